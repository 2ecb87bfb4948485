// The option fields of the ticket: underlying, expiry, right and strike choose a contract of the chain, whose symbol goes into the
// ticket; and what a contract costs with its multiplier. A symbol that is typed in by hand does as well.

import { call, query } from "./door.js";
import { by, make, money, number, price } from "./text.js";

const OCC = /^[A-Z0-9]{1,6} *\d{6}[CP]\d{8}$/;
let chain = null;
let asked = 0;

export const isOption = (symbol) => OCC.test(symbol);

function choices(select, texts, chosen, first) {
  const options = texts.map(([value, text]) => make("option", { value }, text));
  select.replaceChildren(...(options.length ? options : [make("option", { value: "" }, first)]));
  if (texts.some(([value]) => value === chosen)) select.value = chosen;
}

const said = ({ contracts, note }) => note ? `${contracts.length} told; ${note}` : `${contracts.length} listed`;

async function ask(expiry) {
  const underlying = by("underlying").value.trim().toUpperCase();
  const mine = ++asked; // an answer that comes after a later question is not shown
  chain = null;
  choices(by("strike"), [], "", "choose the expiry");
  by("chain-more").hidden = true;
  if (!underlying) return;
  by("chain-said").textContent = "asking for the chain";
  const reply = await call("GET", `/options/chain${query({ underlying, expiry, profile: document.body.dataset.profile })}`);
  if (mine !== asked) return;
  by("chain-said").textContent = reply.ok ? said(reply.body) : reply.body.detail;
  by("chain-more").hidden = !(reply.ok && reply.body.left_out);
  if (!reply.ok) return choices(by("expiry"), [], "", "none is listed");
  chain = reply.body;
  choices(by("expiry"), chain.expirations.map((day) => [day, day]), chain.expiry, "none is listed");
  strikes();
}

function strikes() {
  const before = by("strike").selectedOptions[0]?.textContent.split(" ")[0];
  const rows = (chain?.contracts ?? []).filter((one) => one.right === by("right").value);
  const texts = rows.map((one) => [one.symbol, `${price(one.strike)} · ${price(one.bid)} / ${price(one.ask)}`]);
  const kept = texts.find(([, text]) => text.split(" ")[0] === before)?.[0] ?? "";
  choices(by("strike"), [["", "choose the strike"], ...texts], kept, "none is listed");
  choose();
}

function choose() {
  const field = by("order-form").elements.symbol;
  if (!by("strike").value) return;
  field.value = by("strike").value.replaceAll(" ", "");
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

/** What a previewed order of options costs, and what there is for it: lines for people. */
export function premiumLines(asked, found) {
  if (!found.premium) return [];
  const { price: each, multiplier, total, currency, buying_power: power } = found.premium;
  const cost = total === null ? `one contract is about ${multiplier} shares; there is no price to reckon with`
    : `premium ${price(each)} × ${multiplier} × ${number(asked.quantity)} = ${money(total)} ${currency}`;
  return power === null ? [cost] : [cost, `buying power for options ${money(power)} ${currency}`];
}

export function wakeOptions() {
  by("underlying").addEventListener("change", () => ask(""));
  by("expiry").addEventListener("change", () => ask(by("expiry").value));
  by("chain-more").addEventListener("click", () => ask(by("expiry").value));
  by("right").addEventListener("change", strikes);
  by("strike").addEventListener("change", choose);
}
