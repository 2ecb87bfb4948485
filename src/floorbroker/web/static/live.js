// The part of a page that the server renders is fetched again when a fact concerns it, as often as the page's pace allows, and morphed
// into place: focus, scroll and what has `hx-morph-skip` stay. One request at a time; a fact during one leads to one more.

import { by, say } from "./text.js";

const PACE_MS = Number(document.body.dataset.pace);
const PULSE_MS = Number(document.body.dataset.pulse); // how old what no fact tells of may become: worth as prices move, files of others
const began = performance.now();
let trouble = false;
let [timer, running, again, last] = [0, false, false, -Infinity];

function fetchNow() {
  timer = 0;
  const main = document.getElementById("main");
  if (!main.hasAttribute("hx-get")) return;
  [running, again, last] = [true, false, performance.now()];
  main.dispatchEvent(new CustomEvent("desk:changed"));
}

/** Render the page anew, soon. */
export function changed() {
  if (running) {
    again = true;
    return;
  }
  timer ||= setTimeout(fetchNow, Math.max(PACE_MS - (performance.now() - last), 50));
}

function done() {
  running = false;
  document.dispatchEvent(new CustomEvent("desk:shown"));
  if (again) changed();
}

/** Only a page takes the place of a page: a session that is over leads to the way in, and trouble leaves what there is. */
function guard(event) {
  const { raw } = event.detail.ctx.response;
  if (raw.ok && !raw.redirected) {
    if (trouble) say(by("told"), "");
    trouble = false;
    return;
  }
  event.preventDefault();
  if (raw.redirected) return location.assign(raw.url);
  trouble = true;
  say(by("told"), `This page could not be brought up to date: the desk answered ${raw.status}.`, "bad");
}

export function wakeLive() {
  document.addEventListener("htmx:after:request", guard);
  document.addEventListener("htmx:finally:request", done);
  if (PULSE_MS) setInterval(() => document.hidden || performance.now() - Math.max(last, began) < PULSE_MS || changed(), PULSE_MS / 4);
}

/** Act once now, and after each time the page was rendered anew. */
export function always(act) {
  act();
  document.addEventListener("desk:shown", act);
}
