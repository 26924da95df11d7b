// How many seats: − and + around a number field, and the total that follows.
function update(stepper) {
  const input = stepper.querySelector("input");
  const [least, most] = [Number(input.min) || 1, Number(input.max) || 10];
  const value = Math.min(most, Math.max(least, Math.round(Number(input.value)) || least));
  const [less, more] = stepper.querySelectorAll("button");
  less.disabled = value <= least;
  more.disabled = value >= most;
  const total = document.querySelector("[data-total]");
  if (!total) return;
  // The server's own thousands separator: Intl would set another one in Spanish.
  const sats = String(value * Number(total.dataset.each)).replace(/\B(?=(\d{3})+$)/g, total.dataset.group);
  total.textContent = total.dataset.text.replace("{amount}", sats);
}

export function watchSteppers(root) {
  for (const stepper of root.querySelectorAll(".stepper:not([data-ready])")) {
    stepper.dataset.ready = "";
    const input = stepper.querySelector("input");
    for (const button of stepper.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        const next = (Number(input.value) || 1) + Number(button.dataset.step);
        input.value = Math.min(Number(input.max) || 10, Math.max(Number(input.min) || 1, next));
        update(stepper);
      });
    }
    input.addEventListener("input", () => update(stepper));
    update(stepper);
  }
}
