// The page Reconciliation: compare a profile with its venue now, and say what came of it.

import { call } from "./door.js";
import { changed } from "./live.js";
import { by, clock, make, words } from "./text.js";

function shown(round) {
  const counts = Object.entries(round.counts).map(([name, count]) => `${count} ${words(name)}`).join(", ");
  const verdict = round.error ? `could not be compared: ${round.error}` : round.converged ? "agrees with its venue" : "differs from its venue";
  const line = make("p", { class: round.converged && !round.error ? "message" : "message bad" }, `${clock(round.at)} UTC: ${round.profile} ${verdict}${counts && ` (${counts})`}.`);
  return [line, make("ul", {}, ...round.differences.map((text) => make("li", {}, text)))];
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-reconcile]");
  if (!button) return;
  button.disabled = true;
  const reply = await call("POST", `/profiles/${encodeURIComponent(button.dataset.reconcile)}/reconcile`);
  button.disabled = false;
  by("round-told").replaceChildren(...(reply.ok ? shown(reply.body) : [make("p", { class: "message bad" }, reply.body.detail)]));
  changed();
});
