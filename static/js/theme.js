// Runs before the first paint, so that nobody sees the other theme flash by.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  function stored() {
    try {
      return localStorage.getItem("theme");
    } catch (error) {
      return null; // storage is switched off: follow the system
    }
  }
  var theme = stored();
  if (theme === "paper" || theme === "night") root.dataset.theme = theme;

  document.addEventListener("click", function (event) {
    if (!event.target.closest || !event.target.closest("[data-theme-toggle]")) return;
    var dark = root.dataset.theme ? root.dataset.theme === "night" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "paper" : "night";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch (error) {
      // The choice then lasts for this page only.
    }
  });
})();
