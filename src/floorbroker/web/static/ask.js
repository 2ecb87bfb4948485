// Asking a person: yes or no, or a word that has to be typed.

import { by } from "./text.js";

function opened({ text, label, yes }) {
  by("ask-text").textContent = text;
  by("ask-field").hidden = !label;
  by("ask-label").textContent = label;
  by("ask-answer").value = "";
  by("ask-yes").textContent = yes;
  const dialog = by("ask-dialog");
  dialog.returnValue = "no";
  dialog.showModal();
  (label ? by("ask-answer") : by("ask-no")).focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** Whether the person says yes. */
export const ask = (text, yes = "Yes") => opened({ text, label: "", yes });

/** What the person typed; null when they thought better of it, or typed nothing. */
export async function askFor(text, label, yes = "Do it") {
  const agreed = await opened({ text, label, yes });
  return agreed ? by("ask-answer").value.trim() || null : null;
}

export function wakeAsk() {
  by("ask-answer").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the first button of a form is what Enter presses, and that may be the wrong one
    by("ask-dialog").close("yes");
  });
}
