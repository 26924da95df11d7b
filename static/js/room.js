// The stream room: asks now and then whether this browser still has the seat, and plays what it can by itself.
// The shop counts by it in how many browsers the room is open, hidden tabs too: some only listen.
const room = document.querySelector("[data-room]");
const ASK_EVERY = 10_000;
const HIDDEN = 40_000; // browsers let a hidden page act once a minute
let askedAt = 0;

async function ask() {
  if (document.hidden && Date.now() - askedAt < HIDDEN) return;
  askedAt = Date.now();
  try {
    const answer = await fetch(`${room.dataset.room}?v=${room.dataset.version}`, { cache: "no-store" });
    // Somebody watches elsewhere, the organizer changed something, or it is over: the page itself says what.
    if (answer.status === 200 || answer.status === 410) location.reload();
  } catch {
    // Offline: asked again in a moment.
  }
}

// What the browser plays by itself it plays; HLS elsewhere is played by hls.js, which is fetched only then.
// Until something plays, and whenever it stops, there is the link; a stream that is late is tried again.
const holder = document.querySelector("[data-video]");
const video = holder?.querySelector("video");
let hls, trying;

function show(isPlaying) {
  holder.hidden = !isPlaying;
  document.querySelector("[data-link]").hidden = isPlaying;
}

async function load() {
  const { src, type, player } = video.dataset;
  if (video.canPlayType(type)) video.src = src;
  else if (player) await loadWith(player, src);
  video.play().catch(() => {}); // many browsers wait for a tap
}

async function loadWith(player, src) {
  hls?.destroy();
  const { default: Hls } = await import(player);
  if (!Hls.isSupported()) return clearInterval(trying);
  hls = new Hls({ enableWorker: false });
  hls.on(Hls.Events.ERROR, (_, error) => error.fatal && show(false));
  hls.loadSource(src);
  hls.attachMedia(video);
}

if (video && (video.dataset.player || video.canPlayType(video.dataset.type))) {
  video.addEventListener("loadedmetadata", () => show(true));
  video.addEventListener("error", () => show(false));
  const attempt = () => load().catch(() => show(false));
  trying = setInterval(() => holder.hidden && attempt(), ASK_EVERY);
  attempt();
}

// The clock strikes: what was soon is live. The server said in how many seconds, so this device's clock may be wrong.
const soon = document.querySelector("[data-starts-in]");
if (soon) {
  setTimeout(() => {
    soon.hidden = true;
    document.querySelector("[data-on]").hidden = false;
  }, Math.max(0, soon.dataset.startsIn) * 1000);
}

setInterval(ask, ASK_EVERY + Math.random() * 2000);
document.addEventListener("visibilitychange", ask);
