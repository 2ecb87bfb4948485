// An order in doubt: its evidence in a dialog, and what a person decides about it, with a reason.

import { call } from "./door.js";
import { by, make, moment, say, stamp, words } from "./text.js";

const SURE = new Set(["attribute", "declare_not_placed", "declare_ended"]); // need the client order id, typed once more
let shown = null;

const path = (id) => `/orders/${encodeURIComponent(id)}/resolution`;

function question(asked) {
  const answer = asked.complete ? (asked.found ? "knows the order" : "does not know it") : `no complete answer (${asked.trouble})`;
  return make("li", {}, `${stamp(asked.at)} UTC ${asked.source}: ${answer}`);
}

function deed(done) {
  return make("li", {}, `${stamp(done.at)} UTC ${done.by}: ${words(done.action)}, ${done.outcome} (${done.reason})`);
}

function candidate(found) {
  const terms = [found.side, found.quantity, found.symbol, found.limit_price && `at ${found.limit_price}`];
  return make("option", { value: found.order_id }, `${found.order_id}: ${terms.filter(Boolean).join(" ")}, ${moment(found.time)}`);
}

function listed(id, items) {
  by(id).replaceChildren(...items);
  by(id).hidden = items.length === 0;
}

function choose() {
  const action = by("evidence-action").value;
  const offer = shown.actions.find((one) => one.action === action);
  by("evidence-what").textContent = offer ? offer.detail : "";
  by("evidence-sure").hidden = !SURE.has(action);
  by("evidence-which").hidden = action !== "attribute";
  by("evidence-do").disabled = !offer?.allowed;
}

function show(found) {
  shown = found;
  const { order } = found;
  by("evidence-title").textContent = `${order.symbol}: ${words(found.standing)}`;
  const waits = found.horizon ? `; negatives count from ${moment(found.horizon)}` : "";
  by("evidence-count").textContent = `${found.negatives} of ${found.needed} complete negatives${waits}.`;
  listed("evidence-said", [...order.evidence, ...order.alerts].map((text) => make("li", {}, text)));
  listed("evidence-asked", found.questions.slice(-12).reverse().map(question));
  listed("evidence-done", found.taken.map(deed));
  by("evidence-candidate").replaceChildren(...found.candidates.map(candidate));
  by("evidence-action").replaceChildren(...found.actions.map((one) => make("option", { value: one.action }, words(one.action))));
  by("evidence-id").textContent = order.cl_ord_id;
  choose();
}

async function act(event) {
  event.preventDefault();
  const action = by("evidence-action").value;
  const body = { action, reason: by("evidence-reason").value.trim() };
  if (!body.reason) return say(by("evidence-trouble"), "Say why, in a few words.", "bad");
  if (SURE.has(action)) body.confirm = by("evidence-confirm").value.trim();
  if (action === "attribute") body.candidate = by("evidence-candidate").value;
  by("evidence-do").disabled = true;
  const reply = await call("POST", path(shown.order.id), { body });
  say(by("evidence-trouble"), reply.ok ? "" : reply.body.detail, "bad");
  if (reply.ok) {
    by("evidence-reason").value = by("evidence-confirm").value = "";
    show(reply.body);
  }
  choose();
}

/** Open the dialog for one order. */
export async function showEvidence(id) {
  const reply = await call("GET", path(id));
  if (!reply.ok) return say(by("told"), `No evidence: ${reply.body.detail}`, "bad");
  say(by("evidence-trouble"), "");
  show(reply.body);
  by("evidence-dialog").showModal();
}

export function wakeEvidence() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-doubt]");
    if (button) showEvidence(button.dataset.doubt);
  });
  by("evidence-action").addEventListener("change", choose);
  by("evidence-form").addEventListener("submit", act);
  by("evidence-close").addEventListener("click", () => by("evidence-dialog").close());
}
