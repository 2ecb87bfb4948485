// The account, positions, blotter and fills: rows made from the door's JSON, one row per id, newest first.

import { call, query } from "./door.js";
import { by, clock, direction, gain, make, money, number, price, say, words } from "./text.js";

const profile = document.body.dataset.profile;
const ROWS_MAX = 100;
const REFRESH_MS = 250;

const cell = (text, kind = "") => make("td", { class: kind }, text);
const head = (text) => make("th", { scope: "row" }, text);
const time = (text) => make("td", { class: "time" }, make("time", { datetime: text }, clock(text)));

export const mine = (name) => !profile || name === profile;

function emptied(section) {
  section.querySelector(".empty").hidden = section.querySelector("tbody").rows.length > 0;
}

// -- connections ----------------------------------------------------------------------------------------------------------

function connectionRow(one) {
  const seen = one.connection;
  const health = cell(seen ? String(seen.health) : "–", "num");
  health.title = seen ? seen.ingredients.map((i) => `${i.name} ${i.figure}`).join(" · ") : "";
  return make(
    "tr",
    { "data-connection": one.name },
    head(one.name),
    make("td", {}, make("span", { class: "state", "data-state": one.state }, one.state)),
    health,
    cell(seen ? words(seen.troubles.join(", ")) : "", "wide"),
    cell(one.next_maintenance ? `${clock(one.next_maintenance.begins_at)} UTC` : "–", "wide"),
    cell(one.reason, "wide"),
  );
}

export function showConnections(profiles) {
  const rows = profiles.filter((one) => mine(one.name)).map(connectionRow);
  by("connections").querySelector("tbody").replaceChildren(...rows);
}

// -- orders ---------------------------------------------------------------------------------------------------------------

function total(order) {
  return order.quantity === null ? `${money(order.notional)} money` : number(order.quantity);
}

function orderRow(order) {
  const cancel = make("button", { type: "button", class: "small", "data-cancel": order.id }, "Cancel");
  const evidence = make("button", { type: "button", class: "small", "data-doubt": order.id }, "Evidence");
  const doubtful = order.in_doubt || order.presumed || order.alerts.length > 0;
  const asked = order.limit_price ?? order.stop_price;
  const row = make(
    "tr",
    { "data-id": order.id, "data-open": String(order.is_open), "data-version": order.version },
    time(order.created_at),
    head(order.symbol),
    cell(order.side, `side ${order.side}`),
    cell(`${number(order.cum_qty)} / ${total(order)}`, "num"),
    cell(words(order.type), "wide"),
    cell(asked === null ? "market" : price(asked), "num"),
    cell(order.avg_px === null ? "–" : price(order.avg_px), "num wide"),
    make("td", {}, make("span", { class: `status ${order.ord_status}` }, words(order.ord_status))),
    cell(order.profile, "wide"),
    make("td", { class: "act" }, ...(doubtful ? [evidence] : []), ...(order.is_open ? [cancel] : [])),
  );
  row.title = [order.reject_reason, order.venue_text, ...order.evidence, ...order.alerts].filter(Boolean).join(" · ");
  return row;
}

export function showOrder(order) {
  if (!mine(order.profile)) return;
  const section = by("orders");
  const body = section.querySelector("tbody");
  const held = body.querySelector(`tr[data-id="${CSS.escape(order.id)}"]`);
  if (held && Number(held.dataset.version ?? 0) > order.version) return; // an older word that arrived late
  const row = orderRow(order);
  row.classList.add("fresh");
  const focused = held?.contains(document.activeElement);
  if (held) held.replaceWith(row);
  else body.prepend(row);
  if (focused) row.querySelector("button")?.focus();
  while (body.rows.length > ROWS_MAX) body.lastElementChild.remove();
  counted();
}

function counted() {
  const section = by("orders");
  const open = section.querySelectorAll('tr[data-open="true"]').length;
  by("open-count").textContent = open;
  by("cancel-all").textContent = open ? `Cancel all ${open}` : "Cancel all";
  by("cancel-all").disabled = open === 0;
  emptied(section);
}

// -- adjustments ----------------------------------------------------------------------------------------------------------

function adjustmentRow(one) {
  const figures = [one.quantity, one.ours, one.venue].map((figure) => cell(number(figure), "num"));
  const cells = [time(one.at), head(one.symbol), ...figures, cell(one.cause), cell(one.profile, "wide")];
  return make("tr", { "data-adjustment": String(one.seq) }, ...cells);
}

/** What was written into the positions of the profiles that are shown; a profile that does not answer keeps its rows. */
export async function refreshAdjustments() {
  const names = profile ? [profile] : [...by("profile").options].map((option) => option.value).filter(Boolean);
  const replies = await Promise.all(names.map((name) => call("GET", `/profiles/${encodeURIComponent(name)}/adjustments`)));
  if (replies.some((reply) => !reply.ok)) return;
  const found = replies.flatMap((reply) => reply.body.items).sort((one, other) => other.seq - one.seq);
  const section = by("adjustments");
  section.querySelector("tbody").replaceChildren(...found.slice(0, ROWS_MAX).map(adjustmentRow));
  emptied(section);
}

// -- fills ----------------------------------------------------------------------------------------------------------------

export function showFill(fill, owner) {
  if (!mine(owner)) return;
  const section = by("fills");
  const body = section.querySelector("tbody");
  const id = `${owner}/${fill.exec_id}`;
  if (body.querySelector(`tr[data-exec="${CSS.escape(id)}"]`)) return;
  const cells = [time(fill.time), head(fill.symbol), cell(fill.side, `side ${fill.side}`), cell(number(fill.quantity), "num")];
  body.prepend(make("tr", { "data-exec": id, class: "fresh" }, ...cells, cell(price(fill.price), "num"), cell(owner, "wide")));
  while (body.rows.length > ROWS_MAX) body.lastElementChild.remove();
  emptied(section);
}

// -- account and positions ------------------------------------------------------------------------------------------------

/** One line over everything that is left out of an account; empty when nothing is. */
const partial = (sentences) => (sentences.length ? `Partial: ${sentences.join("; ")}` : "");

/** Whose account is shown: the chosen profile's, the only one's, or nobody's, which means that of all. */
const shown = () => profile || (by("profile").options.length === 2 ? by("profile").options[1].value : "");

async function refreshAccount() {
  const reply = await call("GET", `/account${query({ profile: shown() })}`);
  const section = by("account");
  say(section.querySelector(".trouble"), reply.ok ? partial(reply.body.left_out ?? []) : reply.body.detail, "bad trouble");
  if (!reply.ok) return;
  section.querySelector("dl").hidden = reply.body.profiles?.length === 0;
  const [here, away] = [reply.body.profiles ?? [], reply.body.missing ?? []];
  const told = { account: `${here.length} of ${here.length + away.length} profiles`, ...reply.body };
  for (const place of section.querySelectorAll("[data-of]")) {
    const value = told[place.dataset.of];
    place.textContent = ["account", "currency"].includes(place.dataset.of) ? value : money(value);
  }
}

/** A word beside an option whose last day it is, or that is over and waits to be settled. */
const ending = (option) =>
  option?.expired ? [" ", make("small", {}, "expired")] : option?.expires_today ? [" ", make("small", {}, "expires today")] : [];

function positionRow(held) {
  return make(
    "tr",
    { "data-symbol": held.symbol, "data-profile": held.profile },
    make("th", { scope: "row" }, held.symbol, ...ending(held.option)),
    cell(number(held.quantity), "num"),
    cell(price(held.avg_px), "num"),
    cell(price(held.market_px), "num wide"),
    cell(money(held.market_value), "num"),
    cell(gain(held.unrealized_pl), `num ${direction(held.unrealized_pl)}`),
    cell(held.profile, "wide"),
  );
}

async function refreshPositions() {
  const reply = await call("GET", `/positions${query({ profile: shown() })}`);
  const section = by("positions");
  const away = [...(reply.body.missing ?? []), ...(reply.body.stale ?? [])].map((one) => `${one.profile}: ${one.reason}`);
  say(section.querySelector(".trouble"), reply.ok ? partial(away) : reply.body.detail, "bad trouble");
  if (!reply.ok) return;
  section.querySelector("tbody").replaceChildren(...reply.body.items.map(positionRow));
  emptied(section);
}

let pending = 0;

/** Ask for account and positions once things have been quiet for a moment. */
export function refreshHoldings() {
  clearTimeout(pending);
  pending = setTimeout(() => Promise.all([refreshAccount(), refreshPositions()]), REFRESH_MS);
}

/** Everything anew, after a connection was lost. */
export async function refreshAll() {
  refreshHoldings();
  refreshAdjustments();
  const [orders, fills] = await Promise.all([
    call("GET", `/orders${query({ profile, limit: ROWS_MAX })}`),
    call("GET", `/fills${query({ profile, limit: ROWS_MAX })}`),
  ]);
  if (orders.ok) orders.body.items.reverse().forEach(showOrder);
  if (fills.ok) fills.body.items.reverse().forEach((fill) => showFill(fill, fill.profile));
}

export async function cancelOrder(button) {
  button.disabled = true;
  const reply = await call("DELETE", `/orders/${encodeURIComponent(button.dataset.cancel)}`);
  if (reply.ok) showOrder(reply.body);
  else say(by("outcome"), `Not cancelled: ${reply.body.detail}`, "bad");
  button.disabled = false;
}

export async function cancelAll() {
  const reply = await call("DELETE", `/orders${query({ profile, status: "open" })}`);
  if (reply.ok) reply.body.items.forEach(showOrder);
  else say(by("outcome"), `Not all were cancelled: ${reply.body.detail}`, "bad");
}

export function wakePanels(ask) {
  by("orders").addEventListener("click", (event) => {
    const button = event.target.closest("[data-cancel]");
    if (button) cancelOrder(button);
  });
  by("cancel-all").addEventListener("click", async () => {
    const open = by("open-count").textContent;
    if (await ask(`Cancel all ${open} open orders${profile ? ` of ${profile}` : ""}?`)) cancelAll();
  });
  for (const button of document.querySelectorAll("[data-cancel]")) button.disabled = false;
  counted();
}
