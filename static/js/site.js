// Small comforts for every page. Each works on whatever is in the document now, swapped parts included.
import { startClocks } from "./clock.js";
import "./pocket.js";
import { watchCodes } from "./promo-code.js";
import { showViewerTimes } from "./times.js";
import { watchSteppers } from "./stepper.js";

function flash(button, text) {
  const label = button.querySelector("[data-label]") || button;
  if (!button.dataset.was) button.dataset.was = label.textContent;
  label.textContent = text;
  button.setAttribute("aria-live", "polite");
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => {
    label.textContent = button.dataset.was;
    delete button.dataset.was;
  }, 2000);
}

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or plain http: select a hidden field and let the browser copy it.
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
    field.className = "fixed opacity-0";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    button.focus();
    if (!copied) return;
  }
  flash(button, button.dataset.copied);
}

async function share(button) {
  const url = new URL(button.dataset.share, location.href).href;
  if (navigator.share) {
    await navigator.share({ title: document.title, url }).catch(() => {});
    return;
  }
  button.dataset.copy = url;
  await copy(button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.share !== undefined) share(button);
  else if (button.dataset.copy !== undefined) copy(button);
  else if (button.dataset.dismiss !== undefined) button.closest("[data-toast]").remove();
  else if (button.dataset.print !== undefined) window.print();
});

// A form that is on its way cannot be sent a second time.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = form.querySelector("button[type=submit][data-busy]");
  if (form.method !== "post" || !button || event.defaultPrevented) return;
  if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
  button.setAttribute("aria-disabled", "true");
  (button.querySelector("[data-label]") || button).textContent = button.dataset.busy;
});
// Back from the next page: browsers may show this one exactly as it was left.
window.addEventListener("pageshow", (event) => {
  if (event.persisted && document.querySelector("[aria-disabled=true][data-busy]")) location.reload();
});

// The bar that leads to the form is there only while neither the form nor the page's end is in sight.
function watchBuyBar(bar) {
  const seen = new Set();
  const look = (entries) => {
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target);
    bar.toggleAttribute("data-away", seen.size > 0);
  };
  const observer = new IntersectionObserver(look, { rootMargin: "0px 0px -20% 0px" }); // a mere edge is not in sight
  for (const place of document.querySelectorAll("#buy, body > footer")) observer.observe(place);
}
const buyBar = document.querySelector("[data-buy-bar]");
if (buyBar) watchBuyBar(buyBar);

// A form that came back with something wrong: the cursor goes there.
if (document.activeElement === document.body) document.querySelector("main [aria-invalid=true]")?.focus();

function refresh() {
  showViewerTimes(document);
  watchSteppers(document);
  watchCodes(document);
}
refresh();
startClocks();
document.addEventListener("part:shown", refresh);
