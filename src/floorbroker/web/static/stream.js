// The desk's events, one stream a page. The browser comes back by itself with the id of the last event it saw; we say when it
// cannot. Modules say what they want to hear; what the server rendered is fetched anew when a channel concerns it.

import { base } from "./door.js";
import { changed } from "./live.js";
import { by, number, words } from "./text.js";

const ALARMING = new Set(["rejected", "unknown", "not_sent", "not_placed", "held"]);
const CHANNELS = ["orders", "fills", "positions", "risk", "health"];
const live = new Set(document.body.dataset.live.split(" "));
const profile = document.body.dataset.profile;
const hearers = {};
const opened = [];
const regained = [];

export const mine = (name) => !profile || name === profile;

/** Hear of every event of a channel. */
export const hear = (channel, act) => (hearers[channel] ??= []).push(act);

/** Act whenever events begin to come, the first time too. */
export const onOpen = (act) => opened.push(act);

/** Act when a lost connection is back: what happened meanwhile is told, but nobody knows how long ago that began. */
export const onRegain = (act) => regained.push(act);

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
  // Facts since the page was rendered are told, but how a session stands is no fact: what changed before this is asked for.
  for (const act of was ? [...opened, ...regained] : opened) act();
  if (was || live.has("health")) changed();
}

function tell(channel, event) {
  if (channel === "orders" && mine(event.profile) && ALARMING.has(event.data.ord_status)) {
    by("alarm").textContent = `Order ${event.data.side} ${event.data.symbol} is ${words(event.data.ord_status)}`;
    if (live.has("alarms")) changed();
  }
  if (channel === "fills" && mine(event.profile)) {
    const { execution } = event.data;
    by("news").textContent = `Filled: ${execution.side} ${number(execution.quantity)} ${execution.symbol} at ${execution.price}`;
  }
}

export function wakeStream() {
  const source = new EventSource(`${base}/events?after=${document.body.dataset.seq}`);
  for (const channel of CHANNELS) {
    source.addEventListener(channel, (message) => {
      const event = JSON.parse(message.data);
      for (const act of hearers[channel] ?? []) act(event);
      tell(channel, event);
      if (live.has(channel)) changed();
    });
  }
  source.addEventListener("open", regain);
  source.addEventListener("error", () => {
    lose();
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000); // signed out, or gone for good
  });
  link("connecting", "connecting");
}
