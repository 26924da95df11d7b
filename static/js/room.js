// The stream room: asks now and then whether this browser still has the seat, and plays what it can by itself.
const room = document.querySelector("[data-room]");
const ASK_EVERY = 10_000;

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(`${room.dataset.room}?v=${room.dataset.version}`, { cache: "no-store" });
    // Somebody watches elsewhere, or the organizer changed something: the page itself says what.
    if (answer.status === 200) location.reload();
  } catch {
    // Offline: asked again in a moment.
  }
}

const holder = document.querySelector("[data-video]");
const video = holder?.querySelector("video");
if (video?.canPlayType(video.dataset.type)) {
  video.src = video.dataset.src;
  holder.hidden = false;
  document.querySelector("[data-link]").hidden = true;
  video.addEventListener("error", () => {
    holder.hidden = true;
    document.querySelector("[data-link]").hidden = false;
  });
  video.play().catch(() => {}); // many browsers wait for a tap
}

setInterval(ask, ASK_EVERY + Math.random() * 2000);
document.addEventListener("visibilitychange", ask);
