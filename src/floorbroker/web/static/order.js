// One order: cancel it, change it, decide about a doubt, copy how to place it again.

import { wakeCancels } from "./cancels.js";
import { call } from "./door.js";
import { wakeEvidence } from "./evidence.js";
import { changed } from "./live.js";
import { by, say } from "./text.js";

async function cancel(id) {
  const reply = await call("DELETE", `/orders/${encodeURIComponent(id)}`);
  say(by("told"), reply.ok ? "" : `Not cancelled: ${reply.body.detail}`, "bad");
  changed();
}

async function change(event) {
  const form = event.target.closest("#change-form");
  if (!form) return;
  event.preventDefault();
  const inputs = [...form.querySelectorAll("input")].filter((input) => input.value.trim() !== input.defaultValue);
  if (!inputs.length) return say(by("change-trouble"), "Nothing was changed.", "bad");
  const body = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim().replaceAll(",", "")]));
  const button = form.querySelector("button");
  button.disabled = true;
  const reply = await call("PATCH", `/orders/${encodeURIComponent(form.dataset.id)}`, { body });
  button.disabled = false;
  say(by("change-trouble"), reply.ok ? "" : [reply.body.detail, reply.body.broker_text].filter(Boolean).join(": "), "bad");
  if (!reply.ok) return;
  for (const input of inputs) input.defaultValue = input.value.trim();
  say(by("told"), reply.status === 202 ? "The change was asked for; the venue has not confirmed it." : "The order is changed.");
  changed();
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(by(button.dataset.copy).textContent);
  button.textContent = "Copied";
}

document.addEventListener("submit", change);
document.addEventListener("click", copy);
wakeEvidence();
wakeCancels(cancel);
