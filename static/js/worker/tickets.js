// Tickets without a net: "my tickets" and ticket pages. Two kinds of caches: "account-<who>" is of whoever is
// signed in, and goes when somebody else is or nobody; "kept" is what a guest asked to keep on this device.
// Both go at sign-out.
const KEPT = "kept";
const TICKET = /^\/tickets\/[^/]+$/;
const NOBODY = "nobody";
const MINE = "/me";
const MOST = 60;
const AT_ONCE = 4;
const RECHECK_EVERY = 20_000;
const VERSION = "Ticket-Version";
let checkedAt = 0;
let checking = null;

const pathOf = (request) => new URL(request.url).pathname;
const mineName = (who) => `account-${who}`;
const ofAccounts = async () => (await caches.keys()).filter((name) => name.startsWith("account-"));

// A copy says when it was made, and keeps the page's own headers: its content policy holds without a net, too.
async function copyOf(answer) {
  const headers = new Headers(answer.headers);
  for (const name of ["Content-Encoding", "Content-Length", "Vary"]) headers.delete(name);
  headers.set("Checked-At", new Date().toISOString());
  return new Response(await answer.text(), { status: 200, headers });
}

async function find(path) {
  for (const name of [...(await ofAccounts()), KEPT]) {
    const found = (await caches.has(name)) && (await (await caches.open(name)).match(path));
    if (found) return found;
  }
}

async function drop(path) {
  for (const name of [...(await ofAccounts()), KEPT]) if (await caches.has(name)) await (await caches.open(name)).delete(path);
}

self.keepers.push({
  answers: (url) => TICKET.test(url.pathname) || url.pathname === MINE,

  // Any page says who is signed in: the tickets of anybody else are forgotten.
  async heard(headers) {
    const who = headers.get("Signed-In");
    if (!who) return;
    for (const name of await ofAccounts()) if (name !== mineName(who)) await caches.delete(name);
    if (who !== NOBODY) await caches.open(mineName(who));
    recheck({}).catch(() => {});
  },

  async seen(request, answer) {
    const path = pathOf(request);
    if ([403, 404, 410].includes(answer.status)) return drop(path);
    if (answer.status !== 200 || new URL(request.url).search) return;
    await unlessLeft(async () => {
      const who = answer.headers.get("Keep-Offline");
      if (who) await (await caches.open(mineName(who))).put(path, await copyOf(answer));
      else if (await (await caches.open(KEPT)).match(path)) await (await caches.open(KEPT)).put(path, await copyOf(answer));
    });
    await recheck({ force: path === MINE });
  },

  async kept(request) {
    checkedAt = 0; // the net is away: once it is back, whatever happened meanwhile is asked for at once
    const found = await find(pathOf(request));
    if (!found) return undefined;
    const at = found.headers.get("Checked-At");
    const html = (await found.text()).replace("<html ", `<html data-checked="${at}" `);
    return new Response(html, { headers: found.headers });
  },
});

const forget = async () => {
  for (const name of [...(await ofAccounts()), KEPT]) await caches.delete(name);
};

let signOuts = 0;
self.leaving.push(() => {
  signOuts += 1;
  return forget();
});

// What was under way when somebody signed out may have kept a page afterwards: it goes, too.
async function unlessLeft(work) {
  const before = signOuts;
  try {
    return await work();
  } finally {
    if (signOuts !== before) await forget();
  }
}

// -- what has changed since -----------------------------------------------------------------------
// One question for all that is kept, and for what is new of whoever is signed in; only what differs is fetched.
// A copy that is known to be wrong goes first: it is never shown again, also if the net fails now.
async function recheck({ force }) {
  if (checking) return checking;
  if (!force && Date.now() - checkedAt < RECHECK_EVERY) return true;
  checkedAt = Date.now();
  checking = unlessLeft(check).catch(() => false);
  const done = await checking;
  checking = null;
  return done;
}
self.onMessage.recheck = recheck;

async function check() {
  const kept = await caches.open(KEPT);
  const asked = (await kept.keys()).map(pathOf);
  const mine = await ofAccounts();
  if (!asked.length && !mine.length) return true;
  const answer = await fetch("/offline/tickets", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ tickets: asked.slice(0, MOST) }),
  });
  if (!answer.ok) return false;
  const { who, mine: ofMe, asked: ofKept } = await answer.json();
  for (const name of mine) if (name !== mineName(who)) await caches.delete(name);
  await makeTrue(kept, ofKept);
  if (who !== NOBODY) await makeTrue(await caches.open(mineName(who)), ofMe, MINE);
  return true;
}

async function makeTrue(cache, versions, listPath) {
  let changed = false;
  for (const request of await cache.keys()) {
    const path = pathOf(request);
    if (path === MINE) continue;
    const copy = await cache.match(request);
    if (versions[path] === copy.headers.get(VERSION)) await cache.put(path, await copyOf(copy));
    else changed = await cache.delete(request);
  }
  const wanted = [];
  for (const path of Object.keys(versions)) if (!(await cache.match(path))) wanted.push(path);
  const list = listPath && (await cache.match(listPath));
  if (list && !changed && !wanted.length) await cache.put(listPath, await copyOf(list));
  else if (listPath) wanted.push(listPath);
  while (wanted.length) await Promise.all(wanted.splice(0, AT_ONCE).map((path) => keep(cache, path)));
}

async function keep(cache, path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 200 && !answer.redirected) await cache.put(path, await copyOf(answer));
  return answer.status === 200;
}

// -- "Keep on this device" ------------------------------------------------------------------------
self.onMessage.keep = ({ paths }) =>
  unlessLeft(async () => {
    const cache = await caches.open(KEPT);
    const done = await Promise.all(paths.filter((path) => TICKET.test(path)).slice(0, MOST).map((path) => keep(cache, path)));
    return done.length > 0 && done.every(Boolean);
  });

self.onMessage.drop = async ({ paths }) => {
  for (const path of paths) await drop(path);
  return true;
};

self.onMessage.isKept = async ({ paths }) => {
  const found = await Promise.all(paths.map(find));
  return found.length > 0 && found.every(Boolean);
};

// For the page that is shown when the net is away: what there is, soonest checked first.
self.onMessage.list = async () => {
  const all = [];
  for (const name of [...(await ofAccounts()), KEPT]) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const copy = await cache.match(request);
      const title = /<title>([^<]*)<\/title>/.exec(await copy.text())?.[1] ?? "";
      all.push({ path: pathOf(request), title, checkedAt: copy.headers.get("Checked-At") });
    }
  }
  return all;
};
