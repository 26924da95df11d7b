// Keeps the wallet fresh, copies on tap, shows times in the reader's zone. Everything works without it.
"use strict";

const live = document.getElementById("live");
const past = document.getElementById("past");
let last = "";

function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-style]")) {
    const when = new Date(time.dateTime);
    const clock = { hour: "numeric", minute: "2-digit" };
    const today = when.toDateString() === new Date().toDateString();
    const full = today ? clock : { day: "numeric", month: "short", ...clock };
    time.textContent = when.toLocaleString([], time.dataset.style === "time" ? clock : full);
  }
}

async function refresh() {
  if (document.hidden || document.querySelector("[data-paying]")) return;
  const answer = await fetch(live.dataset.url).catch(() => null);
  if (!answer || !answer.ok) return;
  const text = await answer.text();
  if (text === last) return;
  const focused = live.contains(document.activeElement) && document.activeElement.closest("form")?.action;
  last = text;
  const known = new Set([...live.querySelectorAll(".request h2")].map((title) => title.id));
  const [top, rest] = text.split("<!--past-->");
  live.innerHTML = top;
  past.innerHTML = rest;
  for (const title of live.querySelectorAll(".request h2")) {
    if (!known.has(title.id)) title.closest(".request").classList.add("new");
  }
  localTimes(document);
  if (focused) live.querySelector(`form[action="${new URL(focused).pathname}"] button`)?.focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.busy) return;
  const button = form.querySelector("button.primary");
  form.dataset.paying = "1";
  button.textContent = form.dataset.busy;
  button.setAttribute("aria-busy", "true");
  setTimeout(() => (button.disabled = true), 0);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const text = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = text), 1200);
});

// Coming back with the back button shows a page frozen in the middle of paying.
addEventListener("pageshow", (event) => event.persisted && location.reload());

localTimes(document);
if (live) {
  setInterval(refresh, 1000);
  for (const name of ["visibilitychange", "pageshow", "online"]) addEventListener(name, refresh);
}
if (location.hash) document.querySelector(`${location.hash} details`)?.setAttribute("open", "");
