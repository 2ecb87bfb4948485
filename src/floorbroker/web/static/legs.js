// An order of several legs: contracts of the chain that the option fields choose, up to four, each with its side and its part.

import { by, make, number } from "./text.js";

const LEGS_MAX = 4;
const legs = [];
let listener = () => undefined;

/** The legs as the door takes them. */
export const chosenLegs = () => legs.map(({ symbol, side, ratio_qty, position_intent }) => ({ symbol, side, ratio_qty, position_intent }));

/** One line for a person. */
export const legText = (leg) => `${leg.side} ${number(leg.ratio_qty)} ${leg.symbol} to ${leg.position_intent.split("_to_")[1]}`;

function draw() {
  by("legs").hidden = legs.length === 0;
  by("leg-list").replaceChildren(...legs.map((leg, at) => {
    const out = make("button", { type: "button", class: "small", "data-leg": String(at), "aria-label": `Take leg ${at + 1} out` }, "Take out");
    return make("li", {}, legText(leg), " ", out);
  }));
  by("leg-add").disabled = legs.length >= LEGS_MAX;
  listener();
}

/** Without legs the ticket is for one symbol again. */
export function dropLegs() {
  legs.length = 0;
  draw();
}

function add() {
  const symbol = by("strike").value.replaceAll(" ", "");
  if (!symbol) return by("strike").focus();
  const { side } = Object.fromEntries(new FormData(by("order-form")));
  legs.push({ symbol, side, ratio_qty: "1", position_intent: `${side}_to_${by("effect").value}` });
  draw();
}

/** `changed` hears of every leg that comes or goes. */
export function wakeLegs(changed) {
  listener = changed;
  by("leg-add").addEventListener("click", add);
  by("leg-list").addEventListener("click", (event) => {
    const out = event.target.closest("[data-leg]");
    if (!out) return;
    legs.splice(Number(out.dataset.leg), 1);
    draw();
  });
}
