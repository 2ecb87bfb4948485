// The page Webhooks and alerts: make, test, switch and remove what comes in and goes out beside this page.

import { ask, askFor } from "./ask.js";
import { call, callAt } from "./door.js";
import { changed } from "./live.js";
import { by, say } from "./text.js";

const told = (text, kind = "") => say(by("hook-told"), text, kind);

/** The address of one of them, or of all of its kind; alerts stand beside the environments. */
function at(method, what, rest, members) {
  return what === "alert" ? callAt(method, `/api/v1/notifications${rest}`, members) : call(method, `/webhooks${rest}`, members);
}

const one = (name, verb = "") => `/${encodeURIComponent(name)}${verb}`;

/** What a form says, without what was left empty. */
const wish = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));

async function add(form, what, beside) {
  const reply = await at("POST", what, "", { body: { ...wish(form), ...beside } });
  if (!reply.ok) return told(reply.body.detail, "bad");
  form.reset();
  const { name, path, secret } = reply.body;
  told(what === "alert" ? `${name} is told from now on: test it.` : `${name} is made.${path ? ` Signals go to ${location.origin}${path}.` : ""} Its secret, shown this once: ${secret}`);
  changed();
}

async function attempt(button) {
  const { try: name, what } = button.dataset;
  const body = what === "in" ? await askFor("A sample signal, as the sender would send it, without its secret. Nothing is sent.", "symbol=AAPL side=buy quantity=1", "Test it") : "";
  if (body === null) return;
  button.disabled = true;
  const reply = await at("POST", what, one(name, "/test"), what === "alert" ? {} : { body: { body } });
  button.disabled = false;
  if (!reply.ok) return told(`${name}: ${reply.body.detail}`, "bad");
  const { ok, trouble, order, validation } = reply.body;
  if (!order) return told(ok ? `${name} took the test.` : `${name} did not take the test: ${trouble}`, ok ? "" : "bad");
  const against = validation.violations.map((wrong) => wrong.detail).join("; ");
  told(`${name} would place: ${Object.entries(order).map(([member, value]) => `${member} ${value}`).join(", ")}.${against ? ` Against it: ${against}` : ""}`, ok ? "" : "bad");
}

async function turn(button) {
  const { switch: name, what, on, version } = button.dataset;
  const reply = await at("PATCH", what, one(name), { body: { enabled: on === "true" }, headers: { "If-Match": `"${version}"` } });
  told(reply.ok ? `${name} is ${reply.body.enabled ? "on" : "off"}.` : reply.body.detail, reply.ok ? "" : "bad");
  changed();
}

async function drop(button) {
  const { drop: name, what } = button.dataset;
  if (!(await ask(`Remove ${name} and its log? Orders that it led to stay what they are.`, "Remove it"))) return;
  const reply = await at("DELETE", what, one(name));
  told(reply.ok ? `${name} is removed.` : reply.body.detail, reply.ok ? "" : "bad");
  changed();
}

document.addEventListener("submit", (event) => {
  const { id } = event.target;
  if (!id.startsWith("add-")) return;
  event.preventDefault();
  const what = id.slice("add-".length);
  add(event.target, what, what === "alert" ? {} : { direction: what });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try], [data-switch][data-what], [data-drop]");
  if (!button) return;
  if (button.dataset.try) attempt(button);
  else if (button.dataset.drop) drop(button);
  else turn(button);
});
