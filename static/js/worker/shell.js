// The service worker's ground: the shell without a net, and which part keeps which page. Pages always come from
// the net when it answers, so that none is ever stale; what is kept is shown only when it does not.
//
// A part adds to these three:
self.keepers = []; // {answers(url), async seen(request, answer), async kept(request)}: the first that answers has the page
self.leaving = []; // async functions: somebody signs out in this browser
self.onMessage = {}; // name: async (data) => answer, of what pages ask by {do: name, …}

const SHELL_CACHE = `shell-${self.SHELL.version}`;
const IMPATIENT = 6_000; // how long to wait for the net where a page is kept
const LEAVES = /\/logout\/$|^\/me\/delete$/;

self.addEventListener("install", (event) => {
  const fresh = (path) => new Request(path, { cache: "reload", credentials: "omit" }); // nobody's
  const fill = async () => {
    const cache = await caches.open(SHELL_CACHE);
    await cache.addAll([...self.SHELL.files, self.SHELL.page].map(fresh));
    await self.skipWaiting(); // open pages need nothing of the one before: they come from the net
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const begin = async () => {
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
    // Kept pages still name the files of the version before: those go once the pages were made anew.
    if (!(await self.onMessage.recheck?.({ force: true }))) return;
    for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== SHELL_CACHE) await caches.delete(name);
  };
  event.waitUntil(begin());
});

self.addEventListener("message", (event) => {
  const answer = self.onMessage[event.data?.do];
  if (answer) event.waitUntil(answer(event.data).then((said) => event.ports[0]?.postMessage(said)));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(page(event, url));
  else if (request.mode === "navigate" && LEAVES.test(url.pathname)) event.waitUntil(leave());
  else if (request.method === "GET" && self.SHELL.files.includes(url.pathname)) event.respondWith(file(request));
});

const leave = () => Promise.all(self.leaving.map((forget) => forget()));

async function file(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request);
    if (kept) return kept;
    throw error;
  }
}

async function page(event, url) {
  const { request } = event;
  const keeper = self.keepers.find((each) => each.answers(url));
  const kept = async () => keeper?.kept(request);
  const asked = ask(event, keeper);
  const late = keeper && new Promise((done) => setTimeout(done, IMPATIENT)).then(kept);
  try {
    const first = await Promise.race(late ? [asked, late] : [asked]);
    const answer = first || (await asked);
    return (answer.status >= 500 && (await kept())) || answer;
  } catch {
    return (await kept()) || (await caches.match(self.SHELL.page)) || Response.error();
  }
}

async function ask(event, keeper) {
  const answer = (await event.preloadResponse) || (await fetch(event.request));
  const copy = keeper && answer.status < 500 ? answer.clone() : null;
  const tell = async () => {
    for (const each of self.keepers) await each.heard?.(answer.headers);
    if (copy) await keeper.seen(event.request, copy);
  };
  event.waitUntil(tell().catch(() => {}));
  return answer;
}
