// An order's page stays true: the server says "changed", the page fetches its part anew. Phones cut the line
// while the buyer is in the wallet, so it also asks whenever the page is looked at again.
//
// The server says how closely to watch: "closely" listens while the tab is shown (and asks now and then while
// it is hidden and waits for money), "slowly" asks now and then for some time, nothing means that nothing can
// change any more.
const region = document.getElementById("live");
const announce = document.getElementById("announce");
const offline = document.getElementById("offline");
const WITHOUT_LINE = 3_000;
const HIDDEN = 10_000;
const SLOWLY = 20_000;
const FULL = 30_000;
const LONGEST = 60_000;
// A browser opens six connections to one host over HTTP/1.1, for all of its tabs: four may be streams.
const LINES = 4;
let shownSince = Date.now();
let source = null;
let giveBack = null; // frees the line that `source` has
let opening = false;
let isOpen = false;
let heldPause = 0; // of a line that a proxy holds, which may lose news
let slower = 1; // how many times longer to wait, as the shop does not answer
let fullUntil = 0;
let timer = null;
let asking = null;
let askAgain = false;

const shown = () => region.firstElementChild;
const withVersion = (url) => `${url}?v=${encodeURIComponent(shown().dataset.version)}`;

// What this page keeps by itself need not be sent again: the code of the invoice it shows, and what somebody
// may be typing in.
function kept() {
  const invoice = region.querySelector("[data-invoice]")?.dataset.invoice;
  const typing = region.querySelector("[data-keep]") && shown().dataset.state;
  return (invoice ? `&invoice=${encodeURIComponent(invoice)}` : "") + (typing ? `&keeps=${typing}` : "");
}

function watches() {
  const { watch, watchSeconds } = shown().dataset;
  return watchSeconds && Date.now() - shownSince > Number(watchSeconds) * 1000 ? "" : watch || "";
}

// What a screen reader is told whenever it reads differently: the page's one sentence, and what went wrong.
const words = () =>
  [...region.querySelectorAll("[data-announce]")].map((each) => each.innerText.replace(/\s+/g, " ").trim()).join(" ");

function showTitle() {
  const sentence = region.querySelector("h1")?.innerText.replace(/\s+/g, " ").trim();
  if (sentence) document.title = `${sentence} ${region.dataset.event}`;
}

// What somebody may be typing in is carried over as it is, as long as the order is in the same state.
function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html.trim();
  const old = shown();
  const next = fresh.content.firstElementChild;
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const told = words();
  const sameState = old.dataset.state === next.dataset.state;
  const typing = sameState && region.querySelector("[data-keep]");
  if (typing) next.querySelector("[data-keep]")?.replaceWith(typing);
  const code = region.querySelector("[data-invoice]");
  const place = next.querySelector("[data-invoice]");
  if (code && place?.dataset.invoice === code.dataset.invoice) place.replaceWith(code);
  old.replaceWith(next);
  shownSince = Date.now();
  showTitle();
  document.dispatchEvent(new CustomEvent("part:shown"));
  if (words() !== told) announce.textContent = words();
  if (sameState) {
    if (typing && typing.contains(focused)) focused.focus({ preventScroll: true });
    return;
  }
  window.scrollTo({ top: 0 });
}

async function ask() {
  try {
    const answer = await fetch(withVersion(region.dataset.status) + kept(), { cache: "no-store" });
    if (answer.status === 200) show(await answer.text());
    if (answer.status === 410) location.reload(); // its link was replaced
    slower = answer.status < 500 ? 1 : slower * 2;
    offline.hidden = true;
  } catch {
    slower *= 2;
    offline.hidden = false; // "online" and the timer ask again
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
  arrange();
}

// -- the line -------------------------------------------------------------------------------------
const listens = () => watches() === "closely" && !document.hidden;

// One of the lines that all tabs of this browser share: how to give it back, or null when others have them all.
async function takeLine() {
  if (!navigator.locks) return () => {};
  for (let line = 1; line <= LINES; line++) {
    const free = await new Promise((taken) => {
      navigator.locks.request(`live-${line}`, { ifAvailable: true }, (lock) => {
        if (!lock) return taken(null);
        return new Promise((release) => taken(release)); // held until somebody calls `release`
      });
    });
    if (free) return free;
  }
  return null;
}

function hangUp() {
  source?.close();
  giveBack?.();
  source = giveBack = null;
  isOpen = false;
  heldPause = 0;
}

async function listen() {
  if (source || opening || Date.now() < fullUntil) return;
  opening = true;
  giveBack = await takeLine();
  opening = false;
  if (!giveBack) return;
  if (!listens()) return hangUp();
  const mine = new EventSource(withVersion(region.dataset.live));
  source = mine;
  mine.addEventListener("changed", refetch);
  mine.addEventListener("held", (event) => {
    heldPause = Number(event.data) * 1000;
    arrange();
  });
  mine.addEventListener("open", () => {
    isOpen = true;
    arrange();
  });
  mine.addEventListener("error", () => {
    if (source !== mine) return;
    isOpen = false;
    heldPause = 0;
    // 204 (there is no room) ends an EventSource; a lost line makes it try again by itself.
    if (mine.readyState === EventSource.CLOSED) {
      hangUp();
      fullUntil = Date.now() + FULL;
    }
    arrange();
  });
}

function pause() {
  if (watches() === "slowly") return SLOWLY;
  if (watches() !== "closely") return 0;
  if (document.hidden) return shown().dataset.state === "pending" ? HIDDEN : 0;
  return isOpen ? heldPause : WITHOUT_LINE;
}

// Listens and asks as this page should now, and stops what it should not.
function arrange() {
  if (listens()) listen();
  else hangUp();
  clearTimeout(timer);
  const milliseconds = Math.min(pause() * slower, Math.max(pause(), LONGEST));
  if (milliseconds) timer = setTimeout(refetch, milliseconds * (0.8 + Math.random() * 0.4));
}

function look() {
  hangUp(); // the line may be dead without anybody having noticed: take a new one
  if (watches()) refetch();
}

document.addEventListener("visibilitychange", () => (document.hidden ? arrange() : look()));
window.addEventListener("pagehide", hangUp);
window.addEventListener("pageshow", (event) => event.persisted && look());
window.addEventListener("online", look);
window.addEventListener("offline", () => {
  offline.hidden = false;
});
document.addEventListener("clock:done", () => {
  shown().dataset.version = ""; // nothing changed but the time: the page looks different all the same
  setTimeout(refetch, 500 + Math.random() * 1500);
});
arrange();
