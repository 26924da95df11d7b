// "Fri 4 Dec, 20:00 Lisbon" is what the page says; here the reader's own clock is added when it differs.
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { weekday: "short", day: "numeric", month: "short" };

// In the order in which the page itself writes a day, whatever the browser's country would prefer.
function dayOf(moment, timeZone) {
  const language = document.documentElement.lang || undefined;
  const parts = new Intl.DateTimeFormat(language, { timeZone, ...DAY }).formatToParts(moment);
  const part = (type) => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("weekday")}\u00a0${part("day")}\u00a0${part("month")}`;
}

const offsetOf = (moment, timeZone) =>
  new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "shortOffset" })
    .formatToParts(moment)
    .find((part) => part.type === "timeZoneName")
    .value.replace("GMT", "UTC");

const clockOf = (moment, timeZone) => new Intl.DateTimeFormat("en", { timeZone, ...CLOCK }).format(moment);

function viewerTime({ viewerTime, end, zone }) {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [start, finish] = [new Date(viewerTime), end && new Date(end)];
  try {
    clockOf(start, zone);
  } catch {
    zone = "UTC"; // a zone this browser does not know
  }
  const day = dayOf(start, mine);
  const isSame = (moment) => dayOf(moment, mine) === dayOf(moment, zone) && clockOf(moment, mine) === clockOf(moment, zone);
  if (isSame(start) && (!finish || isSame(finish))) return "";
  const isLong = finish - start > 20 * 3_600_000; // else "until 01:00" needs no day
  // Where clocks are changed before the end, an hour can come twice: the offset tells which it is.
  const changes = finish && offsetOf(start, mine) !== offsetOf(finish, mine);
  const clock = (moment) => clockOf(moment, mine) + (changes ? `\u00a0(${offsetOf(moment, mine)})` : "");
  const withDay = (moment) => `${dayOf(moment, mine)},\u00a0${clock(moment)}`;
  const from = isLong || day !== dayOf(start, zone) ? withDay(start) : clock(start);
  if (!finish) return from;
  return `${from} – ${isLong ? withDay(finish) : clock(finish)}`;
}

export function showViewerTimes(root) {
  for (const element of root.querySelectorAll("[data-viewer-time][hidden]")) {
    const time = viewerTime(element.dataset);
    if (!time) continue;
    element.textContent = element.dataset.text.replace("{time}", time);
    element.hidden = false;
  }
}
