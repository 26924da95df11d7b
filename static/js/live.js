// An order's page stays true: the server says "changed", the page fetches its part anew. Phones cut the line
// while the buyer is in the wallet, so it also asks whenever the page is looked at again.
const region = document.getElementById("live");
const announce = document.getElementById("announce");
const SLOW_POLL = 3000;
let source = null;
let poll = null;
let closed = 0;

const shown = () => region.querySelector("[data-version]");
const watching = () => Boolean(region.querySelector("[data-watch]"));

function typing() {
  const field = document.activeElement;
  return field && region.contains(field) && field.matches("input") && field.value !== field.defaultValue;
}

async function refetch() {
  const url = `${region.dataset.status}?v=${encodeURIComponent(shown().dataset.version)}`;
  const state = shown().dataset.state;
  await window.htmx.ajax("GET", url, { target: region, swap: "innerHTML" }).catch(() => {});
  if (shown().dataset.state !== state) {
    const heading = region.querySelector("[data-announce]");
    if (heading) announce.textContent = heading.textContent.trim();
    window.scrollTo({ top: 0, behavior: "smooth" });
  }
  if (!watching()) stop();
}

function changed() {
  // A field that is being typed in is left alone, except for the news that matters.
  if (typing()) document.activeElement.addEventListener("blur", refetch, { once: true });
  else refetch();
}

function stop() {
  source?.close();
  source = null;
  clearInterval(poll);
  poll = null;
}

function pollInstead() {
  if (poll) return;
  poll = setInterval(refetch, SLOW_POLL + Math.random() * 1000);
}

function listen() {
  if (source || !watching() || document.hidden) return;
  source = new EventSource(`${region.dataset.live}?v=${encodeURIComponent(shown().dataset.version)}`);
  source.addEventListener("changed", changed);
  source.addEventListener("open", () => {
    clearInterval(poll);
    poll = null;
  });
  source.addEventListener("error", () => {
    // 204 (the server is full) ends an EventSource; a lost line makes it try again by itself.
    if (source && source.readyState === EventSource.CLOSED) {
      source = null;
      pollInstead();
    } else if (++closed > 3) pollInstead();
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
document.addEventListener("clock:done", () => setTimeout(refetch, 1500 + Math.random() * 1500));
listen();
