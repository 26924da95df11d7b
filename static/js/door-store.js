// What a door keeps on this device, in IndexedDB. Lists are encrypted (AES-GCM) with a key that no script can read
// out; they go with it when their event is over, and when somebody signs out (worker/door.js). Scans that wait
// for the net name nobody, and stay until the shop has them.
let opened = null;

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("door", 1);
    request.onupgradeneeded = () => {
      for (const name of ["own", "lists", "scans"]) request.result.createObjectStore(name);
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  return opened;
}

const at = async (store, mode = "readonly") => (await open()).transaction(store, mode).objectStore(store);
const get = async (store, key) => done((await at(store)).get(key));
const put = async (store, key, value) => done((await at(store, "readwrite")).put(value, key));
const drop = async (store, key) => done((await at(store, "readwrite")).delete(key));

async function key() {
  const kept = await get("own", "key");
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await put("own", "key", made);
  return made;
}

export async function deviceId() {
  const kept = await get("own", "device");
  if (kept) return kept;
  const made = crypto.randomUUID();
  await put("own", "device", made);
  return made;
}

export async function keepList(event, list) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(list));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key(), plain);
  await put("lists", event, { iv, data, goneAt: Date.parse(list.gone_at), who: list.who });
}

// The list as it was kept; null where there is none, or none that can still be read.
export async function keptList(event) {
  const kept = await get("lists", event);
  if (!kept) return null;
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv }, await key(), kept.data);
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    await drop("lists", event);
    return null;
  }
}

export const forgetList = (event) => drop("lists", event);

export async function forgetOver(now = Date.now()) {
  const store = await at("lists", "readwrite");
  const [keys, lists] = [await done(store.getAllKeys()), await done(store.getAll())];
  for (const [place, list] of lists.entries()) if (list.goneAt <= now) await done(store.delete(keys[place]));
}

// -- scans that wait for the net ------------------------------------------------------------------
export const keepScan = (scan) => put("scans", scan.scan, scan);
export const dropScan = (id) => drop("scans", id);

export async function scansOf(event) {
  const all = await done((await at("scans")).getAll());
  return all.filter((scan) => scan.event === event).sort((one, other) => one.at - other.at);
}
