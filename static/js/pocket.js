// The shop as an app: its service worker, tickets kept on this device, and what a page says when it is a copy.
const worker = navigator.serviceWorker;

// What the service worker says to {do: name, …}; nothing where there is none.
async function ask(name, more = {}) {
  const { active } = await worker.ready;
  const { port1, port2 } = new MessageChannel();
  const said = new Promise((done) => (port1.onmessage = (event) => done(event.data)));
  active.postMessage({ do: name, ...more }, [port2]);
  return said;
}

export const listKept = () => (worker ? ask("list") : []);

export function momentText(iso) {
  const moment = new Date(iso);
  const language = document.documentElement.lang || undefined;
  const isToday = moment.toDateString() === new Date().toDateString();
  return moment.toLocaleString(language, isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

// -- a copy, shown because the net is away --------------------------------------------------------
function showCopy(checkedAt) {
  for (const note of document.querySelectorAll("[data-checked-text]")) {
    note.querySelector("[data-checked-words]").textContent = note.dataset.checkedText.replace("{time}", momentText(checkedAt));
    note.hidden = false;
  }
  for (const form of document.querySelectorAll("form")) form.hidden = true; // nothing can be sent
  for (const part of document.querySelectorAll("[data-needs-net]")) part.hidden = true;
}

const { checked } = document.documentElement.dataset;
const isCopy = Boolean(checked) || document.querySelector("[data-no-net]");
if (checked) showCopy(checked);
if (isCopy) window.addEventListener("online", () => location.reload());
else window.addEventListener("online", () => worker && ask("recheck", { force: true }));

// -- "Keep on this device" ------------------------------------------------------------------------
// Those that the box names, or those that the page leads to.
function pathsOf(box) {
  if (box.dataset.offlinePaths) return box.dataset.offlinePaths.split(" ");
  const links = [...document.querySelectorAll("#live a[href^='/tickets/']")].map((link) => link.pathname);
  return [...new Set(links.filter((path) => /^\/tickets\/[^/]+$/.test(path)))];
}

async function showKept(box) {
  const paths = pathsOf(box);
  if (!paths.length) return (box.hidden = true);
  const isKept = await ask("isKept", { paths });
  for (const part of box.querySelectorAll("[data-when-kept]")) part.hidden = !isKept;
  for (const part of box.querySelectorAll("[data-when-not-kept]")) part.hidden = isKept;
  box.hidden = isCopy || !(isKept || box.querySelector("[data-when-not-kept]"));
}

function showAllKept() {
  if (worker) for (const box of document.querySelectorAll("[data-offline-paths]")) showKept(box);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-offline-paths] button[data-do]");
  if (!button) return;
  const box = button.closest("[data-offline-paths]");
  button.setAttribute("aria-disabled", "true");
  await ask(button.dataset.do, { paths: pathsOf(box) });
  button.removeAttribute("aria-disabled");
  await showKept(box);
});
document.addEventListener("part:shown", showAllKept);

if (worker) {
  worker.register("/sw.js").catch(() => {}); // storage is switched off: everything works with the net
  showAllKept();
}
