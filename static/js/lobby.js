// The doors open: go in, not all in the same instant.
document.addEventListener("clock:done", () => {
  const form = document.querySelector("[data-enter]");
  setTimeout(() => form.requestSubmit(), 500 + Math.random() * 2500);
});
