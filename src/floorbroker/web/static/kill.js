// The kill switch: what is on, and tripping or resetting it with a reason.

import { call } from "./door.js";
import { by, make, moment, say } from "./text.js";

let opening = 0; // which opening of the dialog this is: an answer to an earlier one must not close it

export function showKill(kill) {
  const narrow = (kill.latches ?? []).filter((latch) => latch.scope !== "*");
  by("kill-open").dataset.level = kill.level;
  by("kill-word").textContent = kill.level ? `level ${kill.level}` : narrow.length ? `on for ${narrow.length}` : "off";
  const lines = [
    ...narrow.map((latch) => `${latch.scope}: level ${latch.level}, ${latch.reason}`),
    ...(kill.orders ?? []).map((order) => `${order.symbol} at ${order.profile}: ${order.ord_status}, asked ${order.asked} times. ${order.trouble}`),
    ...(kill.positions ?? []).map((one) => `${one.symbol} at ${one.profile}: ${one.state}. ${one.detail}`),
  ];
  by("kill-left").replaceChildren(...lines.map((text) => make("li", {}, text)));
  say(by("kill-now"), kill.level ? `Level ${kill.level} since ${moment(kill.at)}: ${kill.reason}` : "", "bad");
}

export async function refreshKill() {
  const reply = await call("GET", "/kill-switch");
  if (reply.ok) showKill(reply.body);
}

async function setKill(event) {
  event.preventDefault();
  const [level, reason] = [Number(by("kill-level").value), by("kill-reason").value.trim()];
  const [kind, name] = [by("kill-scope").value, by("kill-name").value.trim()];
  if (kind && !name) return say(by("kill-trouble"), `Name the ${kind}.`, "bad");
  if (!reason) return say(by("kill-trouble"), "Say why, in a few words.", "bad");
  const asked = opening;
  by("kill-do").disabled = true;
  const reply = await call("PUT", "/kill-switch", { body: { level, reason, ...(kind ? { [kind]: name } : {}) } });
  if (reply.ok) showKill(reply.body);
  if (asked !== opening) return;
  by("kill-do").disabled = false;
  if (!reply.ok) return say(by("kill-trouble"), reply.body.detail, "bad");
  by("kill-reason").value = by("kill-name").value = by("kill-scope").value = "";
  by("kill-dialog").close();
}

/** Open the dialog; a scope and its name may be filled in. */
export function openKill({ kind = "", name = "", level } = {}) {
  opening += 1;
  by("kill-do").disabled = false;
  say(by("kill-trouble"), "");
  by("kill-level").value = level ?? (by("kill-open").dataset.level === "0" ? "1" : "0");
  by("kill-scope").value = kind;
  by("kill-name").value = name;
  by("kill-reason").value = "";
  if (!by("kill-dialog").open) by("kill-dialog").showModal();
  by("kill-reason").focus();
}

export function wakeKill() {
  by("kill-open").addEventListener("click", () => openKill());
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-kill]");
    if (button) openKill({ kind: button.dataset.scope ?? "", name: button.dataset.name ?? "", level: button.dataset.kill });
  });
  by("kill-form").addEventListener("submit", setKill);
  by("kill-close").addEventListener("click", () => by("kill-dialog").close());
  by("kill-open").disabled = false;
}
