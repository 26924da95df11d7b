// "Fri 4 Dec, 20:00 Lisbon" is what the page says; here the reader's own clock is added when it differs.
export function showViewerTimes(root) {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const language = document.documentElement.lang || undefined;
  for (const element of root.querySelectorAll("[data-viewer-time][hidden]")) {
    const moment = new Date(element.dataset.viewerTime);
    const parts = (timeZone, options) => new Intl.DateTimeFormat(language, { timeZone, ...options }).format(moment);
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const day = { weekday: "short", day: "numeric", month: "short" };
    let zone = element.dataset.zone;
    try {
      parts(zone, clock);
    } catch {
      zone = "UTC"; // a zone this browser does not know
    }
    const sameDay = parts(mine, day) === parts(zone, day);
    if (sameDay && parts(mine, clock) === parts(zone, clock)) continue;
    const time = sameDay ? parts(mine, clock) : `${parts(mine, day)}, ${parts(mine, clock)}`;
    element.textContent = element.dataset.text.replace("{time}", time);
    element.hidden = false;
  }
}
