// The page that is shown when the net is away: the tickets that are on this device.
import { listKept, momentText } from "./pocket.js";

const list = document.getElementById("kept");
const kept = await listKept();
for (const { path, title, checkedAt } of kept.sort((one, other) => one.path.localeCompare(other.path))) {
  const entry = document.getElementById("kept-entry").content.cloneNode(true);
  const link = entry.querySelector("a");
  link.href = path;
  link.textContent = title;
  entry.querySelector("[data-time]").textContent = momentText(checkedAt);
  list.append(entry);
}
document.getElementById("kept-some").hidden = !kept.length;
document.getElementById("kept-none").hidden = kept.length > 0;
