// Staff's pages: beside every moment by an event's clocks, the reader's own; also while one is being typed.
import { showViewerTimes } from "./times.js";

// What `zone`'s clocks show at `at`, read as if it were UTC.
function clock(at, zone) {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(at);
  const part = (type) => Number(parts.find((each) => each.type === type).value);
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
}

// The moment at which clocks in `zone` show this day and time. Twice, because the first guess may lie
// on the other side of a change of clocks.
function momentOf(day, time, zone) {
  const wanted = Date.parse(`${day}T${time}Z`);
  let at = wanted;
  for (let guess = 0; guess < 2; guess += 1) at += wanted - clock(at, zone);
  return new Date(at);
}

function say(day) {
  const time = document.getElementById(day.id.replace(/_0$/, "_1"));
  const zone = document.getElementById("id_timezone")?.value || "UTC";
  let said = day.closest("div").querySelector("[data-viewer-time]");
  if (!said) {
    said = Object.assign(document.createElement("span"), { className: "yours" });
    time.after(said);
  }
  said.hidden = true;
  if (!day.value || !time.value) return;
  try {
    Object.assign(said.dataset, {
      viewerTime: momentOf(day.value, time.value, zone).toISOString(), zone, text: day.dataset.text,
    });
  } catch {
    return; // a year or a zone that this browser cannot reckon with
  }
  showViewerTimes(said.parentElement);
}

const days = [...document.querySelectorAll("[data-zoned]")];
const sayAll = () => days.forEach(say);
sayAll();
for (const day of days) {
  day.addEventListener("input", () => say(day));
  document.getElementById(day.id.replace(/_0$/, "_1")).addEventListener("input", () => say(day));
}
document.getElementById("id_timezone")?.addEventListener("change", sayAll);
showViewerTimes(document);
