// Wires the page: panels, ticket, kill switch, keys, and the stream that keeps them fresh.

import { call } from "./door.js";
import { wakeEvidence } from "./evidence.js";
import { showConnections, wakePanels } from "./panels.js";
import { wakeStream } from "./stream.js";
import { by, clock, say } from "./text.js";
import { wakeTicket } from "./ticket.js";

const TYPING = "input, select, textarea, dialog *";

function ask(text) {
  by("ask-text").textContent = text;
  const dialog = by("ask-dialog");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

// -- kill switch ----------------------------------------------------------------------------------------------------------

function showKill(kill) {
  const latches = kill.latches ?? [];
  const narrow = latches.filter((latch) => latch.scope !== "*");
  by("kill-open").dataset.level = kill.level;
  by("kill-word").textContent = kill.level ? `level ${kill.level}` : narrow.length ? `on for ${narrow.length}` : "off";
  const lines = [
    ...narrow.map((latch) => `${latch.scope}: level ${latch.level}, ${latch.reason}`),
    ...(kill.orders ?? []).map((order) => `${order.symbol} at ${order.profile}: ${order.ord_status}, asked ${order.asked} times. ${order.trouble}`),
    ...(kill.positions ?? []).map((one) => `${one.symbol} at ${one.profile}: ${one.state}. ${one.detail}`),
  ];
  by("kill-left").replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  say(by("kill-now"), kill.level ? `Level ${kill.level} since ${clock(kill.at)}: ${kill.reason}` : "", "bad");
}

async function refreshKill() {
  const reply = await call("GET", "/kill-switch");
  if (reply.ok) showKill(reply.body);
}

async function setKill(event) {
  event.preventDefault();
  const [level, reason] = [Number(by("kill-level").value), by("kill-reason").value.trim()];
  const [kind, name] = [by("kill-scope").value, by("kill-name").value.trim()];
  if (kind && !name) return say(by("kill-trouble"), `Name the ${kind}.`, "bad");
  if (!reason) return say(by("kill-trouble"), "Say why, in a few words.", "bad");
  by("kill-do").disabled = true;
  const reply = await call("PUT", "/kill-switch", { body: { level, reason, ...(kind ? { [kind]: name } : {}) } });
  by("kill-do").disabled = false;
  if (!reply.ok) return say(by("kill-trouble"), reply.body.detail, "bad");
  showKill(reply.body);
  by("kill-dialog").close();
}

function wakeKill() {
  by("kill-open").addEventListener("click", () => {
    say(by("kill-trouble"), "");
    by("kill-level").value = by("kill-open").dataset.level === "0" ? "1" : "0";
    by("kill-dialog").showModal();
    by("kill-reason").focus();
  });
  by("kill-form").addEventListener("submit", setKill);
  by("kill-close").addEventListener("click", () => by("kill-dialog").close());
  by("kill-open").disabled = false;
}

// -- the rest -------------------------------------------------------------------------------------------------------------

async function refreshStanding() {
  const reply = await call("GET", "/profiles");
  if (!reply.ok) return;
  const order = ["stopped", "offline", "locked", "maintenance", "degraded", "connecting", "reconciling", "ready"];
  const mine = document.body.dataset.profile;
  const states = reply.body.items.filter((p) => p.enabled && (!mine || p.name === mine)).map((p) => p.state);
  const worst = order.find((state) => states.includes(state)) ?? "offline";
  [by("standing").dataset.state, by("standing").textContent] = [worst, worst];
  showConnections(reply.body.items);
}

function wakeKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPING)) return;
    const side = { b: "buy", s: "sell" }[event.key];
    if (side) document.querySelector(`input[name="side"][value="${side}"]`).click();
    if (side || event.key === "/") {
      event.preventDefault();
      by("symbol").focus();
    }
  });
}

function wakeClock() {
  const tick = () => {
    by("clock").textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
  };
  tick();
  setInterval(tick, 1000);
}

wakePanels(ask);
wakeEvidence();
wakeTicket();
wakeKill();
wakeKeys();
wakeClock();
for (const id of ["env", "profile"]) by(id)?.addEventListener("change", (event) => event.target.form.submit());
wakeStream({ onRisk: refreshKill, onHealth: () => Promise.all([refreshStanding(), refreshKill()]) });
document.documentElement.dataset.ready = "true"; // everything listens now
