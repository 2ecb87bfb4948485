// The order ticket. Enter previews, Ctrl+Enter sends, Esc goes back. The idempotency key is made when the preview opens; the
// first send locks the button, and after silence only the same order under the same key may be sent again.

import { latest, showOrder } from "./blotter.js";
import { call } from "./door.js";
import { keep, kept } from "./kept.js";
import { chosenLegs, dropLegs, legText, wakeLegs } from "./legs.js";
import { changed } from "./live.js";
import { marketBook, marketQuote, marketTrade, showMarket, wakeMarket } from "./market.js";
import { isOption, premiumLines, wakeOptions } from "./options.js";
import { follow } from "./prices.js";
import { hear } from "./stream.js";
import { by, make, minus, money, number, price, say, times, words } from "./text.js";

const form = by("order-form");
const POINTERS = {
  "/quantity": "amount", "/notional": "amount",
  "/take_profit": "take", "/take_profit/limit_price": "take", "/stop_loss": "lose", "/stop_loss/stop_price": "lose", "/stop_loss/limit_price": "lose-limit",
};
let wish = null; // the previewed order
let key = "";
let locked = false;
let sent = null; // the order that the outcome tells of
const UNPLACED = new Set(["rejected", "not_sent", "not_placed"]);

function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function order() {
  const [data, legs] = [new FormData(form), chosenLegs()];
  const what = legs.length ? { order_class: "mleg", legs } : { symbol: data.get("symbol").trim().toUpperCase(), side: data.get("side") };
  const found = { ...what, type: isAlone() ? "limit" : data.get("type") };
  found[data.get("unit")] = data.get("amount").trim().replaceAll(",", "");
  for (const field of form.querySelectorAll(".field[data-for] input, [data-tif] input")) {
    const value = field.value.trim().replaceAll(",", "");
    if (!field.closest(".field").hidden && value) found[field.name] = field.name === "expire_at" ? `${value}:00Z` : value;
  }
  found.time_in_force = data.get("time_in_force");
  if (!legs.length) Object.assign(found, exits());
  for (const name of ["route", "broker", "strategy", "client_tag", "reason"]) if (data.get(name).trim()) found[name] = data.get(name).trim();
  if (!legs.length && isOption(found.symbol)) found.position_intent = `${found.side}_to_${data.get("effect")}`;
  const confirmed = data.get("confirm").trim().toUpperCase();
  if (confirmed && !by("confirm-field").hidden) found.confirm = confirmed;
  for (const name of ["reduce_only", "extended_hours", "post_only", "allow_duplicate"]) {
    const box = form.elements[name];
    if (box.checked && !box.closest("label").hidden) found[name] = true;
  }
  const profile = data.get("profile");
  return profile ? { ...found, profile } : found;
}

/** Whether the ticket is for two exits of what is held, without an entry. */
const isAlone = () => by("exits-of").value === "alone" && chosenLegs().length === 0;

/** The exits: a profit to take, a loss to stop, or both; after an order, or by themselves. */
function exits() {
  const [profit, loss, floor] = ["take", "lose", "lose-limit"].map((id) => by(id).value.trim().replaceAll(",", ""));
  if (!profit && !loss && !isAlone()) return {};
  const found = { order_class: isAlone() ? "oco" : profit && loss ? "bracket" : "oto" };
  if (profit) found.take_profit = { limit_price: profit };
  if (loss) found.stop_loss = { stop_price: loss, ...(floor ? { limit_price: floor } : {}) };
  return found;
}

// Habits of this device: what kind of order it places, never which or how much.
const HABITS = ["type", "time_in_force", "unit"];

function keepHabits() {
  keep("ticket", JSON.stringify(Object.fromEntries(HABITS.map((name) => [name, form.elements[name].value]))));
}

function recallHabits() {
  const known = JSON.parse(kept("ticket", "{}"));
  for (const name of HABITS) {
    if ([...form.elements[name].options].some((option) => option.value === known[name])) form.elements[name].value = known[name];
  }
}

function shape() {
  const [type, several, alone] = [form.elements.type.value, chosenLegs().length > 0, isAlone()];
  by("trail").name = by("trail-unit").value;
  form.elements.type.disabled = alone; // an OCO is a limit and a stop
  const option = isOption(form.elements.symbol.value.trim().toUpperCase());
  for (const field of form.querySelectorAll("[data-option]")) field.hidden = !option && !several;
  for (const field of form.querySelectorAll("[data-for]")) field.hidden = alone || !field.dataset.for.split(" ").includes(type);
  for (const field of form.querySelectorAll("[data-tif]")) field.hidden = form.elements.time_in_force.value !== field.dataset.tif;
  for (const field of form.querySelectorAll("[data-single]")) field.hidden = several;
  form.elements.symbol.required = !several;
}

// -- telling what is wrong ------------------------------------------------------------------------------------------------

function clear() {
  for (const told of form.querySelectorAll(".wrong")) told.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  sent = null;
  say(by("outcome"), "");
}

function refuse(problem) {
  if (problem.errors?.some((error) => error.pointer === "/confirm")) by("confirm-field").hidden = false;
  const left = (problem.errors ?? []).filter((error) => !mark(error));
  const told = left.map((error) => `${error.pointer.slice(1)}: ${error.detail}`).join("; ");
  if (told || !problem.errors?.length) say(by("outcome"), told || problem.detail, "bad");
  form.querySelector("[aria-invalid]")?.focus();
}

function mark(error) {
  const input = form.elements[POINTERS[error.pointer] ?? error.pointer.slice(1)];
  const field = input instanceof HTMLElement && input.closest(".field");
  if (!field || input.closest("[hidden]")) return false;
  const id = `wrong-${input.id}`;
  if (by(id)) return true;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", id);
  field.append(make("p", { class: "wrong", id }, error.detail));
  return true;
}

// -- preview --------------------------------------------------------------------------------------------------------------

async function preview() {
  if (locked || wish) return; // a second Enter does nothing
  clear();
  const asked = order();
  by("preview-button").disabled = true;
  const reply = await call("POST", "/orders/preview", { body: asked });
  by("preview-button").disabled = false;
  if (!reply.ok) return refuse(reply.body);
  [wish, key] = [asked, freshKey()];
  by("summary").textContent = summary(asked);
  by("verdicts").replaceChildren(...lines(reply.body, asked));
  by("send").disabled = !reply.body.ok;
  by("preview").hidden = false;
  by("preview").focus();
}

function summary(asked) {
  const amount = asked.quantity ? number(asked.quantity) : `${money(asked.notional)} money of`;
  const touched = asked.type.endsWith("_if_touched");
  const at = [asked.limit_price && `limit ${price(asked.limit_price)}`, asked.stop_price && `${touched ? "touched at" : "stop"} ${price(asked.stop_price)}`];
  const trail = asked.trail_percent && `trailing ${asked.trail_percent} %`;
  const kind = at.some(Boolean) ? [] : [words(asked.type)];
  const trails = asked.trail_price && `trailing ${price(asked.trail_price)}`;
  const effect = asked.position_intent && `to ${asked.position_intent.split("_to_")[1]}`;
  const [win, lose] = [asked.take_profit, asked.stop_loss];
  const alone = asked.order_class === "oco" && "one cancels the other";
  const exit = [alone, win && `take profit ${price(win.limit_price)}`, lose && `stop loss ${price(lose.stop_price)}`];
  const extra = [...exit, effect, asked.post_only && "post only", asked.display_quantity && `shows ${number(asked.display_quantity)}`];
  const terms = [...kind, ...at, trail, trails, ...extra, asked.time_in_force.toUpperCase()].filter(Boolean).join(", ");
  const way = [asked.route && `by route ${asked.route}`, asked.broker && `at ${asked.broker}`].filter(Boolean);
  const where = [document.body.dataset.env.toUpperCase(), ...way].join(" ");
  if (asked.legs) return `${amount} × ${asked.legs.map(legText).join(", ")} (${terms}) in ${where}`;
  return `${asked.side.toUpperCase()} ${amount} ${asked.symbol} (${terms}) in ${where}`;
}

function lines(found, asked) {
  const line = (kind, sign, text) => make("li", { class: kind }, `${sign} ${text}`);
  const told = found.verdicts.filter((v) => !v.ok).map((v) => line("no", "✕", `${words(v.control)}: ${v.detail || "not passed"}`));
  told.push(...found.objections.map((o) => line("no", "✕", `${o.pointer.slice(1)}: ${o.detail}`)));
  told.push(...(found.parts ?? []).map((part) => line("info", "·", `part ${part.part}: ${number(part.quantity)} at ${part.profile}`)));
  const passed = found.verdicts.filter((v) => v.ok).length;
  if (passed) told.push(line("yes", "✓", `${passed} ${passed === 1 ? "check" : "checks"} passed`));
  if (found.quote) told.push(line("info", "·", `bid ${price(found.quote.bid)}, ask ${price(found.quote.ask)}`));
  if (found.margin) {
    const { currency, initial, fees } = found.margin;
    told.push(line("info", "·", `ties up about ${money(initial)} ${currency}, fees ${money(fees)}`));
    told.push(line("info", "·", `takes about ${money(found.margin.buying_power_effect)} ${currency} of buying power`));
  }
  told.push(...premiumLines(asked, found).map((text) => line("info", "·", text)));
  const chosen = asked.profile ? "as asked" : found.candidates?.find((one) => one.profile === found.profile)?.reason;
  told.push(line("info", "·", `goes to profile ${found.profile}${chosen ? `: ${chosen}` : ""}`));
  for (const one of (found.candidates ?? []).filter((other) => other.profile !== found.profile)) {
    told.push(line("info", "·", `not to ${one.profile}${one.reason ? `: ${one.reason}` : ""}`));
  }
  return told;
}

function back() {
  if (locked || !wish) return;
  wish = null;
  by("preview").hidden = true;
  by("amount").focus();
}

// -- sending --------------------------------------------------------------------------------------------------------------

async function send() {
  if (locked || !wish || by("send").disabled) return;
  locked = true;
  by("send").disabled = true;
  const reply = await call("POST", "/orders", { body: wish, headers: { "Idempotency-Key": key } });
  locked = false;
  if (reply.status === 0) {
    const told = "No answer: the order may have been placed. Look at the orders below; sending it again here cannot place it twice.";
    say(by("outcome"), told, "doubt");
    by("send").disabled = false; // the same wish under the same key
    return;
  }
  done(reply);
}

function done(reply) {
  wish = null;
  by("preview").hidden = true;
  const placed = reply.ok ? reply.body : reply.body.order;
  if (placed) showOrder(placed);
  changed();
  if (reply.status === 202) {
    say(by("outcome"), "Sent, and no answer came: its state is unknown. It is being found out; do not send it again.", "doubt");
  } else if (reply.ok) {
    keepHabits();
    sent = placed;
    tellSent(latest(placed.id) ?? placed); // the stream may have told more of it before the answer came
    form.elements.amount.value = form.elements.confirm.value = "";
    by("confirm-field").hidden = true;
    form.elements.allow_duplicate.checked = false;
    dropLegs();
    showQuote();
    form.elements.symbol.focus();
  } else {
    refuse({ ...reply.body, detail: [reply.body.detail, reply.body.broker_text].filter(Boolean).join(": ") });
  }
}

/** What became of the order that was sent last, as long as nothing else is said there. */
function tellSent(order) {
  if (!sent || order?.id !== sent.id || order.version < sent.version) return;
  sent = order;
  const filled = Number(order.cum_qty) > 0 && order.avg_px ? `, ${number(order.cum_qty)} at ${price(order.avg_px)}` : "";
  say(by("outcome"), `${order.side} ${order.symbol}: ${words(order.ord_status)}${filled}`, UNPLACED.has(order.ord_status) ? "bad" : "");
}

// -- waking ---------------------------------------------------------------------------------------------------------------

let followed = null;
let newest = null;

/** Beside the ticket, live: what the market asks and bids, and what the order would come to at that. */
function showQuote() {
  const box = by("quote");
  if (!newest) return;
  const side = new FormData(form).get("side");
  const each = form.elements.limit_price.closest("[hidden]") ? (side === "buy" ? newest.ask : newest.bid) : form.elements.limit_price.value || null;
  const units = form.elements.unit.value === "quantity" ? form.elements.amount.value.trim().replaceAll(",", "") : null;
  const cost = each && units ? times(units, each.replaceAll(",", "")) : null;
  const spread = newest.bid && newest.ask ? minus(newest.ask, newest.bid) : null;
  const told = [`bid ${newest.bid === null ? "none" : price(newest.bid)}`, `ask ${newest.ask === null ? "none" : price(newest.ask)}`, spread && `spread ${price(spread)}`, cost && `about ${money(cost)}`];
  box.textContent = told.filter(Boolean).join(" · ");
}

function quote() {
  const symbol = form.elements.symbol.value.trim().toUpperCase();
  followed?.stop();
  [followed, newest] = [null, null];
  by("quote").textContent = "\u00a0";
  const profile = form.elements.profile.value || by("profile").options[1]?.value;
  showMarket(symbol, profile);
  if (!symbol || !profile) return;
  followed = follow({ env: document.body.dataset.env, profile, symbol }, {
    quote: (found, trouble) => {
      newest = found;
      if (!found) return void (by("quote").textContent = trouble);
      showQuote();
      marketQuote(found);
    },
    trade: marketTrade,
    book: marketBook,
  });
}

export function wakeTicket() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    preview();
  });
  form.addEventListener("change", shape);
  form.addEventListener("input", () => {
    if (wish && !locked) [wish, by("preview").hidden] = [null, true]; // what was previewed is not what would be sent
  });
  form.elements.symbol.addEventListener("change", quote);
  form.elements.profile.addEventListener("change", quote);
  form.addEventListener("input", showQuote);
  form.addEventListener("change", showQuote);
  form.elements.symbol.addEventListener("input", shape);
  wakeOptions();
  wakeMarket();
  wakeLegs(() => {
    shape();
    if (wish && !locked) [wish, by("preview").hidden] = [null, true];
  });
  hear("orders", (event) => tellSent(event.data));
  hear("fills", (event) => tellSent(event.data.order));
  by("send").addEventListener("click", send);
  by("back").addEventListener("click", back);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") back();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
      event.preventDefault();
      send();
    }
  });
  if (!form.elements.symbol.value) recallHabits(); // an order that the address asks for is a plain one
  shape();
  if (form.elements.symbol.value) quote();
}
