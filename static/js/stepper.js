// How many seats: − and + around each number field, and the total that follows.
const count = (input) => Math.round(Number(input.value)) || 0;

// What a stepper's seats cost in minor units: as the server reckons, a part of one stays with the shop.
function cost(stepper, scale) {
  const { price, percent, off, amount } = stepper.dataset;
  const seats = count(stepper.querySelector("input"));
  const each = amount ? Math.round(Number(document.getElementById(amount).value) * scale) || 0 : Number(price);
  return (each - Number(off)) * seats - Math.floor((each * seats * Number(percent)) / 100);
}

function update(stepper) {
  const input = stepper.querySelector("input");
  const [least, most] = [Number(input.min), Number(input.max)];
  const value = Math.min(most, Math.max(least, count(input)));
  const [less, more] = stepper.querySelectorAll("button");
  less.disabled = value <= least;
  more.disabled = value >= most;
  const form = stepper.closest("form");
  const total = form?.querySelector("[data-total]");
  if (!total) return;
  const steppers = [...form.querySelectorAll(".stepper")];
  const seats = steppers.reduce((sum, each) => sum + count(each.querySelector("input")), 0);
  const { currency, digits, group, text, none } = total.dataset;
  const scale = 10 ** Number(digits || 0);
  const amount = steppers.reduce((sum, each) => sum + cost(each, scale), 0);
  const shown = currency ? inCurrency(amount / scale, currency, Number(digits)) : inSats(amount, group);
  total.textContent = seats && amount ? text.replace("{amount}", shown) : none;
}

// With the server's own thousands separator: Intl would set another one in Spanish.
function inSats(amount, group) {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, group);
}

function inCurrency(amount, currency, digits) {
  const form = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return amount.toLocaleString(document.documentElement.lang, form);
}

export function watchSteppers(root) {
  for (const stepper of root.querySelectorAll(".stepper:not([data-ready])")) {
    stepper.dataset.ready = "";
    const input = stepper.querySelector("input");
    for (const button of stepper.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        const next = count(input) + Number(button.dataset.step);
        input.value = Math.min(Number(input.max), Math.max(Number(input.min), next));
        update(stepper);
      });
    }
    const { amount } = stepper.dataset;
    for (const field of [input, amount && document.getElementById(amount)]) {
      field?.addEventListener("input", () => update(stepper));
    }
    update(stepper);
  }
}
