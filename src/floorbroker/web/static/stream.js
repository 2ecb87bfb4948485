// The desk's events. The browser comes back by itself with the id of the last event it saw; we say when it cannot.

import { base } from "./door.js";
import { mine, refreshAdjustments, refreshAll, refreshHoldings, showFill, showOrder } from "./panels.js";
import { by, number, words } from "./text.js";

const ALARMING = new Set(["rejected", "unknown", "not_sent", "not_placed"]);

function link(state, text) {
  by("link").dataset.state = state;
  by("link").textContent = text;
}

function lose() {
  link("lost", "no connection");
  if (by("lost").hidden) by("lost-since").textContent = by("clock").textContent;
  by("lost").hidden = false;
  document.body.classList.add("stale");
}

function regain() {
  const was = !by("lost").hidden;
  link("live", "live");
  by("lost").hidden = true;
  document.body.classList.remove("stale");
  if (was) refreshAll();
}

function onOrder(event) {
  const order = event.data;
  showOrder(order);
  if (mine(order.profile) && ALARMING.has(order.ord_status)) {
    by("alarm").textContent = `Order ${order.side} ${order.symbol} is ${words(order.ord_status)}`;
  }
}

function onFill(event) {
  const { execution, order } = event.data;
  showFill(execution, event.profile);
  if (order) showOrder(order);
  by("news").textContent = `Filled: ${execution.side} ${number(execution.quantity)} ${execution.symbol} at ${execution.price}`;
  refreshHoldings();
}

function onPositions(event) {
  if (event.data.event === "adjustment") refreshAdjustments();
  refreshHoldings();
}

export function wakeStream({ onRisk, onHealth }) {
  const channels = { orders: onOrder, fills: onFill, positions: onPositions, risk: onRisk, health: onHealth };
  const source = new EventSource(`${base}/events?after=${document.body.dataset.seq}`);
  for (const [name, act] of Object.entries(channels)) {
    source.addEventListener(name, (message) => act(JSON.parse(message.data)));
  }
  source.addEventListener("open", regain);
  source.addEventListener("error", () => {
    lose();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000); // signed out, or gone for good
  });
  link("connecting", "connecting");
}
