// A promo code is applied, or taken away, in the page that is open; without this file it is a page of its own.
async function show(form, button) {
  const body = new FormData(form, button);
  button.setAttribute("aria-disabled", "true");
  let html;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(body) });
    html = await answer.text();
  } catch {
    form.submit(); // offline: the browser says so itself
    return;
  }
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("buy");
  if (!fresh) return location.reload();
  document.getElementById("buy").replaceWith(fresh);
  document.dispatchEvent(new Event("part:shown"));
  const field = fresh.querySelector("[name=promo_code]:not([type=hidden])");
  (field?.closest("details[open]") ? field : fresh).focus({ preventScroll: true });
}

export function watchCodes(root) {
  for (const form of root.querySelectorAll("form[data-buy]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("submit", (event) => {
      if (!["apply_code", "drop_code"].includes(event.submitter?.name)) return;
      event.preventDefault();
      if (event.submitter.getAttribute("aria-disabled") !== "true") show(form, event.submitter);
    });
    form.querySelector("[name=promo_code]")?.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      form.querySelector("[name=apply_code]")?.click();
    });
  }
}
