/* Light or dark: what the reader chose, or what the system prefers. */
(function () {
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("scheme"); } catch (e) { return null; } };
  const wish = window.matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const dark = stored() ? stored() === "dark" : wish.matches;
    root.dataset.bsTheme = dark ? "dark" : "light";
    root.classList.toggle("quarto-dark", dark);
  };
  show();
  wish.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#scheme-toggle")) return;
    event.preventDefault();
    try { localStorage.setItem("scheme", root.dataset.bsTheme === "dark" ? "light" : "dark"); } catch (e) {}
    show();
  });
})();
