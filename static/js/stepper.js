// How many seats: − and + around each number field, and the total that follows.
const count = (input) => Math.round(Number(input.value)) || 0;

// What a stepper's seats cost: as the server reckons, a part of a sat stays with the shop.
function cost(stepper) {
  const { price, percent, off, amount } = stepper.dataset;
  const seats = count(stepper.querySelector("input"));
  const each = amount ? count(document.getElementById(amount)) : Number(price);
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
  const amount = steppers.reduce((sum, each) => sum + cost(each), 0);
  // The server's own thousands separator: Intl would set another one in Spanish.
  const sats = String(amount).replace(/\B(?=(\d{3})+$)/g, total.dataset.group);
  total.textContent = seats && amount ? total.dataset.text.replace("{amount}", sats) : total.dataset.none;
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
