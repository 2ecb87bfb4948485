// One symbol: candles with our own fills drawn on them, the ladder, trades, and live prices.

import { wakeCancels } from "./cancels.js";
import { call, query } from "./door.js";
import { wakeEvidence } from "./evidence.js";
import { changed } from "./live.js";
import { follow } from "./prices.js";
import { hear } from "./stream.js";
import { by, clock, make, number, price, say } from "./text.js";
import { CandlestickSeries, HistogramSeries, createChart, createSeriesMarkers } from "./vendor/lightweight-charts.js";

const { symbol, source } = by("symbol-head").dataset;
const { env } = document.body.dataset;
const BARS = 300;
const TRADES_MAX = 50;
const STALE_MS = 5000;
let [span, last, heard] = [300, null, 0];

// -- candles --------------------------------------------------------------------------------------------------------------

const told = (name) => getComputedStyle(document.body).getPropertyValue(name);

/** A colour of the theme as the canvas takes it: `light-dark()` is resolved by the browser on an element. */
function colour(name) {
  const probe = make("span", { class: `probe-${name}`, hidden: true });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found || told(`--${name}`);
}

function look() {
  const [ink, line, up, down] = ["quiet", "line", "up", "down"].map(colour);
  chart.applyOptions({
    layout: { background: { color: "transparent" }, textColor: ink, attributionLogo: false },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    timeScale: { borderColor: line },
  });
  candles.applyOptions({ upColor: up, downColor: down, borderVisible: false, wickUpColor: up, wickDownColor: down });
  volume.applyOptions({ color: line });
}

const chart = createChart(by("chart"), {
  autoSize: true,
  layout: { attributionLogo: false },
  timeScale: { timeVisible: true, secondsVisible: false },
});
const candles = chart.addSeries(CandlestickSeries, {});
const volume = chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "" });
volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
const markers = createSeriesMarkers(candles, []);
look();
document.addEventListener("desk:theme", look);

const second = (text) => Math.floor(Date.parse(text) / 1000);
const candle = (bar) => ({ time: second(bar.start), open: Number(bar.open), high: Number(bar.high), low: Number(bar.low), close: Number(bar.close) });

async function showBars() {
  const end = new Date();
  const start = new Date(end.getTime() - span * BARS * 1000 * (span < 86400 ? 4 : 1.6)); // nights and weekends have none
  const asked = { symbol, profile: source, span_s: span, start: start.toISOString(), end: end.toISOString() };
  const reply = await call("GET", `/bars${query(asked)}`);
  if (!reply.ok) return say(by("chart-told"), `No candles: ${reply.body.detail}`, "bad");
  const bars = reply.body.items.slice(-BARS);
  const digits = Math.max(2, ...bars.slice(-20).map((bar) => (bar.close.split(".")[1] ?? "").length));
  candles.applyOptions({ priceFormat: { type: "price", precision: Math.min(digits, 8), minMove: 10 ** -Math.min(digits, 8) } });
  candles.setData(bars.map(candle));
  volume.setData(bars.map((bar) => ({ time: second(bar.start), value: Number(bar.volume) })));
  last = bars.length ? candle(bars.at(-1)) : null;
  say(by("chart-told"), bars.length ? "" : "The venue tells no candles of this span.");
  by("chart").dataset.bars = bars.length;
  chart.timeScale().fitContent();
  await showFills(bars);
}

async function showFills(bars) {
  if (!bars.length) return;
  const reply = await call("GET", `/fills${query({ symbol, since: bars[0].start, profile: document.body.dataset.profile })}`);
  if (!reply.ok) return;
  const made = reply.body.items.map((fill) => {
    const buys = fill.side === "buy";
    const at = Math.floor(second(fill.time) / span) * span;
    return { time: at, position: buys ? "belowBar" : "aboveBar", shape: buys ? "arrowUp" : "arrowDown", color: colour(buys ? "up" : "down"), text: `${fill.side} ${number(fill.quantity)} at ${price(fill.price)}` };
  });
  markers.setMarkers(made.sort((one, other) => one.time - other.time));
}

/** The newest price moves the newest candle. */
function tick(value) {
  if (!last || !Number.isFinite(value)) return;
  const now = Math.floor(Date.now() / 1000 / span) * span;
  last = now > last.time ? { time: now, open: value, high: value, low: value, close: value } : { ...last, close: value, high: Math.max(last.high, value), low: Math.min(last.low, value) };
  candles.update(last);
}

// -- prices, book, trades -------------------------------------------------------------------------------------------------

function onQuote(found) {
  if (!found) return; // the page says why, above
  heard = Date.now();
  const place = by("prices");
  place.classList.remove("old");
  for (const name of ["bid", "ask", "last"]) place.querySelector(`[data-of="${name}"]`).textContent = found[name] === null ? "none" : price(found[name]);
  place.querySelector('[data-of="time"]').textContent = `${clock(found.time)} UTC`;
  const middle = found.last ?? (found.bid && found.ask ? String((Number(found.bid) + Number(found.ask)) / 2) : null);
  if (middle) tick(Number(middle));
}

function level(one, side, most) {
  const bar = make("meter", { min: "0", max: "1", value: String(most ? Number(one.size) / most : 0), "aria-hidden": "true" });
  const size = make("td", { class: `num ${side}` }, bar, ` ${number(one.size)}`);
  const empty = make("td", {});
  const at = make("td", { class: `num ${side === "bid" ? "up" : "down"}` }, price(one.price));
  return make("tr", {}, ...(side === "bid" ? [size, at, empty] : [empty, at, size]));
}

function onBook(book, trouble) {
  by("ladder").hidden = !book;
  by("ladder-told").hidden = Boolean(book);
  if (!book) {
    by("ladder-told").textContent = trouble || "There is no book of it.";
    return;
  }
  const most = Math.max(...[...book.bids, ...book.asks].map((one) => Number(one.size)), 0);
  const rows = [...book.asks.slice(0, 10).reverse().map((one) => level(one, "ask", most)), ...book.bids.slice(0, 10).map((one) => level(one, "bid", most))];
  by("ladder").querySelector("tbody").replaceChildren(...rows);
  by("ladder-state").textContent = [book.spread && `spread ${price(book.spread)}`, book.state].filter(Boolean).join(" · ");
}

function onTrade(trade) {
  by("trades-told").hidden = true;
  by("trades").prepend(make("tr", {}, make("td", { class: "time" }, clock(trade.time)), make("td", { class: "num" }, price(trade.price)), make("td", { class: "num" }, number(trade.size))));
  while (by("trades").rows.length > TRADES_MAX) by("trades").lastElementChild.remove();
  tick(Number(trade.price));
}

function wither() {
  if (heard && Date.now() - heard > STALE_MS) by("prices").classList.add("old");
}

// -- waking ---------------------------------------------------------------------------------------------------------------

by("chart-card").addEventListener("click", (event) => {
  const chip = event.target.closest("[data-span]");
  if (!chip) return;
  span = Number(chip.dataset.span);
  for (const other of by("chart-card").querySelectorAll("[data-span]")) other.setAttribute("aria-pressed", String(other === chip));
  showBars();
});

async function cancel(id) {
  const reply = await call("DELETE", `/orders/${encodeURIComponent(id)}`);
  if (!reply.ok) say(by("told"), `Not cancelled: ${reply.body.detail}`, "bad");
  changed();
}

wakeEvidence();
wakeCancels(cancel);
hear("orders", (event) => event.data.symbol === symbol && changed());
hear("fills", (event) => event.data.execution.symbol === symbol && showBars());
setInterval(wither, 1000);
showBars();
follow({ env, profile: source, symbol }, { quote: onQuote, trade: onTrade, book: onBook, state: (word) => (by("chart-card").dataset.prices = word) });
