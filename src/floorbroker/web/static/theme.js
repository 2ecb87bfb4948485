// Before anything is drawn: the theme that was chosen on this device; without a choice the page follows the system.
try {
  const theme = localStorage.getItem("floorbroker.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // a browser that keeps nothing for pages: the system's theme it is
}
