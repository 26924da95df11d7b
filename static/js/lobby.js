// The doors open: go in, not all in the same instant.
document.addEventListener("clock:done", () => setTimeout(() => location.reload(), 500 + Math.random() * 2500));
