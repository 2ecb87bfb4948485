// The part of a page that the server renders is fetched again when a fact concerns it, as often as the page's pace allows, and morphed
// into place: focus, scroll and what has `hx-morph-skip` stay. One request at a time; a fact during one leads to one more.

const PACE_MS = Number(document.body.dataset.pace);
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

export function wakeLive() {
  document.addEventListener("htmx:finally:request", done);
}

/** Act once now, and after each time the page was rendered anew. */
export function always(act) {
  act();
  document.addEventListener("desk:shown", act);
}
