// Clocks that run down: <time data-seconds="873" data-urgent="120">. The server says how many seconds are
// left, so a wrong clock in the reader's device does not matter.
const seen = new WeakMap();

function words(left) {
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(left / 86400);
  const hours = Math.floor((left % 86400) / 3600);
  const minutes = Math.floor((left % 3600) / 60);
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
}

function tick() {
  for (const clock of document.querySelectorAll("[data-seconds]")) {
    if (!seen.has(clock)) seen.set(clock, Date.now() + Number(clock.dataset.seconds) * 1000);
    const left = Math.max(0, Math.round((seen.get(clock) - Date.now()) / 1000));
    const text = words(left);
    if (clock.textContent !== text) clock.textContent = text;
    const holder = clock.closest("[data-clock]") || clock;
    holder.toggleAttribute("data-near", left <= Number(clock.dataset.urgent || 0));
    if (left === 0 && clock.dataset.done !== "said") {
      clock.dataset.done = "said";
      clock.dispatchEvent(new CustomEvent("clock:done", { bubbles: true }));
    }
  }
}

export function startClocks() {
  tick();
  setInterval(tick, 1000);
  document.addEventListener("part:shown", tick);
}
