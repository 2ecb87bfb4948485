// Keys, while nobody types: pages by `g` and a letter, the ticket by `b` and `s`, rows by `j` and `k`. No key sends an order.

import { kept, keep } from "./kept.js";
import { openPalette } from "./palette.js";
import { by } from "./text.js";

const TYPING = "input:not([type=radio], [type=checkbox]), select, textarea, dialog *";
const AFTER_G_MS = 1200;
let afterG = -Infinity;

function visit(letter) {
  const link = document.querySelector(`nav.pages a[data-key="${CSS.escape(letter)}"]`);
  if (link) location.assign(link.href);
}

const here = (path) => `${path}?${new URLSearchParams({ env: document.body.dataset.env, profile: document.body.dataset.profile })}`;

function ticket(side) {
  const box = document.querySelector(`input[name="side"][value="${side}"]`);
  if (!box) return location.assign(`${here("/trade")}&side=${side}`);
  box.click();
  by("symbol").focus();
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPING) || kept("keys") === "off") return;
  const isSecond = performance.now() - afterG < AFTER_G_MS;
  afterG = -Infinity;
  if (isSecond) return visit(event.key);
  if (event.key === "g") afterG = performance.now();
  else if (event.key === "b" || event.key === "s") ticket(event.key === "b" ? "buy" : "sell");
  else if (event.key === "?") by("keys-dialog").showModal();
  else if (event.key === "/") by("symbol") ? by("symbol").focus() : openPalette();
  else return document.dispatchEvent(new CustomEvent("desk:key", { detail: event }));
  event.preventDefault();
}

export function wakeKeys() {
  document.addEventListener("keydown", onKey);
  by("keys-open").addEventListener("click", () => by("keys-dialog").showModal());
  by("keys-open").disabled = false;
  by("keys-off").checked = kept("keys") === "off";
  by("keys-off").addEventListener("change", () => keep("keys", by("keys-off").checked ? "off" : ""));
}
