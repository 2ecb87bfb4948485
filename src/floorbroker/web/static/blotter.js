// The blotter: of however many orders there are, the rows in sight are drawn, once a frame. New rows never move the row under the
// pointer: they wait until it leaves.

import "./process.js";
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "./vendor/virtual-core/index.js";
import { ask } from "./ask.js";
import { Orders } from "./book_of_orders.js";
import { call, query } from "./door.js";
import { kept, keep } from "./kept.js";
import { hear, mine, onRegain } from "./stream.js";
import { average, by, make, money, number, price, say, stamp, words } from "./text.js";

const ROW_PX = 36;
const OVERSCAN = 8;
const NEAR_END = 40; // rows before the oldest known one, where older ones are asked for
const profile = document.body.dataset.profile;
const GROUPS = {
  all: () => true,
  open: (order) => order.is_open,
  filled: (order) => order.ord_status === "filled",
  canceled: (order) => ["canceled", "expired"].includes(order.ord_status),
  refused: (order) => ["rejected", "not_sent", "not_placed"].includes(order.ord_status),
  unknown: (order) => order.in_doubt || order.presumed || order.ord_status === "unknown",
};
const COLUMNS = ["time", "side", "type", "price", "average", "profile", "strategy"];

const orders = new Orders({ profile, symbol: document.body.dataset.symbol ?? "" });
const fresh = new Set(); // ids that changed a moment ago
const waiting = new Map(); // new orders that wait for the pointer to leave
let [shown, group, word, frame, chosen] = [[], "all", "", 0, null];

// -- a row ----------------------------------------------------------------------------------------------------------------

const cell = (text, kind) => make("td", { class: kind }, text);

function total(order) {
  return order.quantity === null ? `${money(order.notional)} money` : number(order.quantity);
}

export const pathOf = (path) => path + query({ env: document.body.dataset.env, profile });

function row(order, index) {
  const doubtful = order.in_doubt || order.presumed || order.alerts.length > 0;
  const asked = order.limit_price ?? order.stop_price;
  const acts = make("td", { class: "act c-act" });
  if (doubtful) acts.append(make("button", { type: "button", class: "small", "data-doubt": order.id }, "Evidence"));
  if (order.is_open) acts.append(make("button", { type: "button", class: "small", "data-cancel": order.id }, "Cancel"));
  const made = make(
    "tr",
    { "data-id": order.id, "data-open": String(order.is_open), "aria-rowindex": String(index + 2), "aria-current": order.id === chosen ? "true" : null },
    make("td", { class: "time c-time" }, make("time", { datetime: order.created_at }, stamp(order.created_at))),
    make("th", { scope: "row", class: "c-symbol" }, make("a", { href: pathOf(`/orders/${encodeURIComponent(order.id)}`) }, order.symbol)),
    cell(order.side, `c-side side ${order.side}`),
    cell(`${number(order.cum_qty)} / ${total(order)}`, "num c-filled"),
    cell(words(order.type), "wide c-type"),
    cell(asked === null ? "market" : price(asked), "num c-price"),
    cell(order.avg_px === null ? "–" : average(order.avg_px), "num wide c-average"),
    make("td", { class: "c-status" }, make("span", { class: `status ${order.ord_status}` }, words(order.ord_status))),
    cell(order.profile, "wide c-profile"),
    cell(order.strategy || "–", "wide c-strategy"),
    acts,
  );
  made.title = [order.reject_reason, order.venue_text, ...order.evidence, ...order.alerts].filter(Boolean).join(" · ");
  if (fresh.has(order.id)) made.classList.add("fresh");
  return made;
}

// -- drawing --------------------------------------------------------------------------------------------------------------

const scroller = by("order-rows");
const body = scroller.querySelector("tbody");
const spacer = () => make("tr", { class: "space", "aria-hidden": "true" }, make("td", { colspan: "11" }));
const [above, below] = [spacer(), spacer()];

const virtual = new Virtualizer({
  count: 0,
  getScrollElement: () => scroller,
  estimateSize: () => ROW_PX,
  overscan: OVERSCAN,
  scrollToFn: elementScroll,
  observeElementRect,
  observeElementOffset,
  onChange: () => later(),
});

function draw() {
  frame = 0;
  virtual._willUpdate();
  const items = virtual.getVirtualItems();
  const focus = body.contains(document.activeElement) ? document.activeElement : null;
  const held = focus && { id: focus.closest("tr")?.dataset.id, kind: focus.dataset.cancel ? "[data-cancel]" : focus.dataset.doubt ? "[data-doubt]" : "a" };
  const [first, last] = [items[0], items.at(-1)];
  above.firstChild.style.height = `${first ? first.start : 0}px`;
  below.firstChild.style.height = `${last ? virtual.getTotalSize() - last.end : 0}px`;
  body.replaceChildren(above, ...items.map((item) => row(shown[item.index], item.index)), below);
  if (held?.id) body.querySelector(`tr[data-id="${CSS.escape(held.id)}"]`)?.querySelector(held.kind)?.focus({ preventScroll: true });
  if (last && last.index > shown.length - NEAR_END) older();
}

function later() {
  frame ||= requestAnimationFrame(draw);
}

function matches(order) {
  if (!GROUPS[group](order)) return false;
  if (!word) return true;
  return [order.symbol, order.ord_status, order.profile, order.strategy, order.client_tag, order.id].some((text) => text.toLowerCase().includes(word));
}

function arrange() {
  shown = group === "all" && !word ? orders.rows : orders.rows.filter(matches);
  virtual.setOptions({ ...virtual.options, count: shown.length });
  by("order-table").setAttribute("aria-rowcount", String(orders.cursor === null ? shown.length + 1 : -1));
  counts();
  later();
}

function counts() {
  const open = orders.open.length;
  by("open-count").textContent = open;
  by("cancel-all").textContent = open ? `Cancel all ${open}` : "Cancel all";
  by("cancel-all").disabled = open === 0;
  by("orders-empty").hidden = shown.length > 0;
  by("order-table").hidden = shown.length === 0;
  by("orders-empty").textContent = orders.rows.length ? "No order is like that." : "No orders yet. Fill in the ticket and press Enter.";
  for (const chip of by("chips").children) {
    const held = orders.rows.filter(GROUPS[chip.dataset.group]).length;
    chip.querySelector("b").textContent = `${held}${orders.cursor === null || chip.dataset.group === "open" ? "" : "+"}`;
  }
}

// -- news -----------------------------------------------------------------------------------------------------------------

const pointed = () => body.matches(":hover") && shown.length > 0;

function news() {
  const button = by("blotter-news");
  button.hidden = waiting.size === 0;
  button.textContent = waiting.size === 1 ? "1 new" : `${waiting.size} new`;
}

function settle() {
  const top = scroller.scrollTop;
  let grown = 0;
  for (const order of waiting.values()) grown += orders.take(order).fresh ? 1 : 0;
  waiting.clear();
  news();
  arrange();
  if (top > ROW_PX) scroller.scrollTop = top + grown * ROW_PX; // what is being read stays where it is
}

/** An order as the door told it: a new row, or a newer word of one that is known. */
export function showOrder(order) {
  if (!mine(order.profile) || (orders.where.symbol && order.symbol !== orders.where.symbol)) return;
  fresh.add(order.id);
  setTimeout(() => fresh.delete(order.id), 1600);
  if (!orders.byId.has(order.id)) {
    waiting.set(order.id, (waiting.get(order.id)?.version ?? 0) > order.version ? waiting.get(order.id) : order);
    if (!pointed()) settle();
    else news();
    return;
  }
  if (orders.take(order).newer) arrange();
}

/** The newest word of an order that the blotter has heard. */
export const latest = (id) => orders.byId.get(id) ?? waiting.get(id);

/** Many at once. */
export function showOrders(many) {
  for (const order of many) orders.take(order);
  arrange();
}

async function older() {
  if (orders.cursor === null || orders.fetching) return;
  const trouble = await orders.more();
  if (trouble) say(by("told"), `Older orders cannot be shown: ${trouble}`, "bad");
  else arrange();
}

async function again() {
  const trouble = await orders.refresh();
  if (trouble) say(by("told"), `Orders cannot be shown: ${trouble}`, "bad");
  arrange();
}

// -- acts -----------------------------------------------------------------------------------------------------------------

export async function cancelOrder(id) {
  const reply = await call("DELETE", `/orders/${encodeURIComponent(id)}`);
  if (reply.ok) showOrder(reply.body);
  else say(by("told"), `Not cancelled: ${reply.body.detail}`, "bad");
}

async function cancelAll() {
  const open = orders.open.length;
  if (!open || !(await ask(`Cancel all ${open} open orders${profile ? ` of ${profile}` : ""}?`, `Cancel ${open}`))) return;
  const reply = await call("DELETE", `/orders${query({ profile, status: "open", symbol: orders.where.symbol })}`);
  if (!reply.ok) return say(by("told"), `Not all were cancelled: ${reply.body.detail}`, "bad");
  showOrders(reply.body.items);
  const refused = reply.body.items.filter((order) => order.cancel_refused);
  if (refused.length) say(by("told"), `${refused.length} could not be cancelled: ${refused[0].cancel_refused}`, "bad");
}

async function csv() {
  const url = `/api/v1/${document.body.dataset.env}/orders${query({ ...orders.where, limit: 1000 })}`;
  const reply = await fetch(url, { headers: { Accept: "text/csv" }, credentials: "same-origin" });
  if (!reply.ok) return say(by("told"), `No CSV: the desk answered ${reply.status}`, "bad");
  const link = make("a", { href: URL.createObjectURL(await reply.blob()), download: "orders.csv" });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The row that keys act on: `step` rows further. */
export function choose(step) {
  const at = shown.findIndex((order) => order.id === chosen);
  const next = Math.min(Math.max(at + step, 0), shown.length - 1);
  if (!shown[next]) return;
  chosen = shown[next].id;
  virtual.scrollToIndex(next);
  later();
}

const act = { Enter: (order) => location.assign(pathOf(`/orders/${encodeURIComponent(order.id)}`)), x: (order) => order.is_open && cancelOrder(order.id) };

function onKey(event) {
  const order = orders.byId.get(chosen);
  if (event.key === "j") choose(1);
  else if (event.key === "k") choose(-1);
  else if (event.key === "X") cancelAll();
  else if (event.key === "x" && order) act.x(order);
  else if (event.key === "Enter" && order && !document.activeElement?.closest("a, button, summary")) act.Enter(order);
}

// -- waking ---------------------------------------------------------------------------------------------------------------

/** What is filtered stands in the address, so that it can be kept and shared. */
function remember() {
  const address = new URL(location.href);
  for (const [name, value] of [["show", group === "all" ? "" : group], ["filter", word]]) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

function recall() {
  const asked = new URLSearchParams(location.search);
  if (GROUPS[asked.get("show")]) group = asked.get("show");
  word = (asked.get("filter") ?? "").toLowerCase();
  by("blotter-word").value = word;
}

function wakeChips() {
  recall();
  by("chips").replaceChildren(
    ...Object.keys(GROUPS).map((name) => make("button", { type: "button", class: "chip", "data-group": name, "aria-pressed": String(name === group) }, `${name} `, make("b", {}, "0"))),
  );
  by("chips").addEventListener("click", (event) => {
    const chip = event.target.closest("[data-group]");
    if (!chip) return;
    group = chip.dataset.group;
    for (const other of by("chips").children) other.setAttribute("aria-pressed", String(other === chip));
    scroller.scrollTop = 0;
    remember();
    arrange();
  });
  by("blotter-word").addEventListener("input", (event) => {
    word = event.target.value.trim().toLowerCase();
    remember();
    arrange();
  });
}

function wakeColumns() {
  const off = new Set(kept("columns").split(" ").filter(Boolean));
  const table = by("order-table");
  const apply = () => COLUMNS.forEach((name) => table.classList.toggle(`no-${name}`, off.has(name)));
  by("columns").replaceChildren(
    ...COLUMNS.map((name) => {
      const box = make("input", { type: "checkbox", checked: !off.has(name) });
      box.addEventListener("change", () => {
        if (box.checked) off.delete(name);
        else off.add(name);
        keep("columns", [...off].join(" "));
        apply();
      });
      return make("label", { class: "check" }, box, ` ${name === "profile" ? "broker" : name}`);
    }),
  );
  apply();
}

export function wakeBlotter() {
  wakeChips();
  wakeColumns();
  by("blotter-tools").hidden = false;
  by("blotter-csv").addEventListener("click", csv);
  by("blotter-news").addEventListener("click", settle);
  body.addEventListener("mouseleave", () => waiting.size && settle());
  by("cancel-all").addEventListener("click", cancelAll);
  document.addEventListener("desk:key", (event) => onKey(event.detail));
  hear("orders", (event) => showOrder(event.data));
  hear("fills", (event) => event.data.order && showOrder(event.data.order));
  onRegain(again);
  virtual._didMount();
  virtual._willUpdate();
  return again();
}
