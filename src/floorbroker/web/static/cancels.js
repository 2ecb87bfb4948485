// The cancel button of an order, wherever it stands.

export function wakeCancels(cancel) {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-cancel]");
    if (!button) return;
    button.disabled = true;
    await cancel(button.dataset.cancel);
    button.disabled = false;
  });
}
