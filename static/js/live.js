// An order's page stays true: the server says "changed", the page fetches its part anew. Phones cut the line
// while the buyer is in the wallet, so it also asks whenever the page is looked at again.
const region = document.getElementById("live");
const announce = document.getElementById("announce");
const SLOW_POLL = 3000;
let source = null;
let poll = null;
let failures = 0;
let asking = null;
let askAgain = false;

const shown = () => region.firstElementChild;
const watching = () => shown().dataset.watch !== undefined;
const withVersion = (url) => `${url}?v=${encodeURIComponent(shown().dataset.version)}`;

// What a screen reader is told whenever it reads differently: the page's one sentence, and what went wrong.
const words = () =>
  [...region.querySelectorAll("[data-announce]")].map((each) => each.innerText.replace(/\s+/g, " ").trim()).join(" ");

// What somebody may be typing in is carried over as it is, as long as the order is in the same state.
function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html.trim();
  const old = shown();
  const next = fresh.content.firstElementChild;
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const told = words();
  const sameState = old.dataset.state === next.dataset.state;
  const kept = sameState && region.querySelector("[data-keep]");
  if (kept) next.querySelector("[data-keep]")?.replaceWith(kept);
  old.replaceWith(next);
  document.dispatchEvent(new CustomEvent("part:shown"));
  if (words() !== told) announce.textContent = words();
  if (sameState) {
    if (kept?.contains(focused)) focused.focus({ preventScroll: true });
    return;
  }
  window.scrollTo({ top: 0 });
}

async function ask() {
  try {
    const answer = await fetch(withVersion(region.dataset.status), { cache: "no-store" });
    if (answer.status === 200) show(await answer.text());
  } catch {
    // Offline: "online" and the poll ask again.
  }
}

// One question at a time; whatever happens meanwhile is one more question afterwards.
async function refetch() {
  if (asking) {
    askAgain = true;
    return asking;
  }
  do {
    askAgain = false;
    asking = ask();
    await asking;
  } while (askAgain);
  asking = null;
  if (!watching()) stop();
}

function stop() {
  source?.close();
  source = null;
  stopPolling();
}

function stopPolling() {
  clearInterval(poll);
  poll = null;
}

function pollInstead() {
  if (!poll) poll = setInterval(refetch, SLOW_POLL + Math.random() * 1000);
}

function listen() {
  if (source || !watching() || document.hidden) return;
  source = new EventSource(withVersion(region.dataset.live));
  source.addEventListener("changed", refetch);
  source.addEventListener("open", () => {
    failures = 0;
    stopPolling();
  });
  source.addEventListener("error", () => {
    // 204 (the server is full) ends an EventSource; a lost line makes it try again by itself.
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      pollInstead();
    } else if (++failures > 2) pollInstead();
  });
}

function look() {
  if (document.hidden || !watching()) return;
  // The line may be dead without anybody having noticed: take a new one.
  source?.close();
  source = null;
  refetch().then(listen);
}

document.addEventListener("visibilitychange", look);
window.addEventListener("pageshow", (event) => event.persisted && look());
window.addEventListener("online", look);
document.addEventListener("clock:done", () => {
  shown().dataset.version = ""; // nothing changed but the time: the page looks different all the same
  setTimeout(refetch, 500 + Math.random() * 1500);
});
listen();
