// The door without a net: its page opens from the shell that it kept itself (door-offline.js), which names nobody.
// The list is in IndexedDB, encrypted; it goes with its key when somebody signs out, and when another one is there.
const DOOR = /^\/door\/\d+$/;
const DOOR_CACHE = "door";

const doorRequest = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function doorStores(work) {
  if (!(await indexedDB.databases()).some(({ name }) => name === "door")) return;
  const opened = await doorRequest(indexedDB.open("door"));
  try {
    await work(opened.transaction(["own", "lists"], "readwrite"));
  } finally {
    opened.close();
  }
}

// Scans that wait stay: they name nobody, and whoever minds the door next brings them back.
async function forgetDoor() {
  await caches.delete(DOOR_CACHE);
  await doorStores(async (change) => {
    await doorRequest(change.objectStore("lists").clear());
    await doorRequest(change.objectStore("own").delete("key"));
  });
}

self.keepers.push({
  answers: (url) => DOOR.test(url.pathname),
  async heard(headers) {
    const who = headers.get("Signed-In");
    if (!who || !(await caches.has(DOOR_CACHE))) return;
    let isForeign = false;
    await doorStores(async (change) => {
      const lists = await doorRequest(change.objectStore("lists").getAll());
      isForeign = lists.some((list) => list.who !== who);
    });
    if (isForeign) await forgetDoor();
  },
  async seen() {},
  kept: async (request) => (await caches.open(DOOR_CACHE)).match(`${new URL(request.url).pathname}/offline`),
});

self.leaving.push(forgetDoor);

// Its files, which are not those of every page.
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isFile = event.request.method === "GET" && url.origin === location.origin && url.pathname.startsWith("/static/");
  if (!isFile || self.SHELL.files.includes(url.pathname)) return;
  const kept = async (error) => {
    const copy = await caches.match(event.request, { cacheName: DOOR_CACHE });
    if (copy) return copy;
    throw error;
  };
  event.respondWith(fetch(event.request).catch(kept));
});
