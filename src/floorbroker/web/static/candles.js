// Candles of one symbol on a canvas, with our own fills as arrows and our open orders as lines.

import { call, query } from "./door.js";
import { make, number, price, words } from "./text.js";
import { CandlestickSeries, HistogramSeries, createChart, createSeriesMarkers } from "./vendor/lightweight-charts.js";

const BARS = 300;
const DASHED = 2; // a style of the chart library

/** A colour of the theme as the canvas takes it: `light-dark()` is resolved by the browser on an element. */
function colour(name) {
  const probe = make("span", { class: `probe-${name}`, hidden: true });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found || getComputedStyle(document.body).getPropertyValue(`--${name}`);
}

const second = (text) => Math.floor(Date.parse(text) / 1000);
const candle = (bar) => ({ time: second(bar.start), open: Number(bar.open), high: Number(bar.high), low: Number(bar.low), close: Number(bar.close) });

/** A chart in `place`; `told` hears one sentence about it, empty when there is nothing to say. */
export class Candles {
  constructor(place, told) {
    [this.place, this.told, this.asked, this.last, this.lines] = [place, told, 0, null, []];
    this.chart = createChart(place, { autoSize: true, layout: { attributionLogo: false }, timeScale: { timeVisible: true, secondsVisible: false, rightOffsetPixels: 64 } });
    this.series = this.chart.addSeries(CandlestickSeries, {});
    this.volume = this.chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "" });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.markers = createSeriesMarkers(this.series, []);
    this.look();
    const again = () => {
      this.look();
      this.own(); // arrows and lines have colours, too
    };
    document.addEventListener("desk:theme", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  look() {
    const [ink, line, up, down] = ["quiet", "line", "up", "down"].map(colour);
    this.chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: ink, attributionLogo: false },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.series.applyOptions({ upColor: up, downColor: down, borderVisible: false, wickUpColor: up, wickDownColor: down });
    this.volume.applyOptions({ color: line });
  }

  /** Candles of `span` seconds as the venue of `profile` tells them; an answer to an earlier question is not shown. */
  async show({ symbol, profile, span }) {
    const mine = ++this.asked;
    [this.where, this.last] = [{ symbol, profile, span }, null];
    const reply = await call("GET", `/bars${query({ symbol, profile, span_s: span, limit: BARS })}`); // the last ones
    if (mine !== this.asked) return;
    const bars = reply.ok ? reply.body.items : [];
    const digits = Math.max(2, ...bars.slice(-20).map((bar) => (bar.close.split(".")[1] ?? "").length));
    this.series.applyOptions({ priceFormat: { type: "price", precision: Math.min(digits, 8), minMove: 10 ** -Math.min(digits, 8) } });
    this.series.setData(bars.map(candle));
    this.volume.setData(bars.map((bar) => ({ time: second(bar.start), value: Number(bar.volume) })));
    this.last = bars.length ? candle(bars.at(-1)) : null;
    this.since = bars[0]?.start;
    if (!reply.ok) this.told(`No candles: ${reply.body.detail}`, "bad");
    else this.told(bars.length ? "" : "The venue tells no candles of this span.", "");
    this.place.dataset.bars = bars.length;
    this.chart.timeScale().fitContent();
    await this.own();
  }

  /** Draw our own fills and open orders anew. */
  async own() {
    if (!this.where) return;
    const [mine, { symbol, span }, shown] = [this.asked, this.where, document.body.dataset.profile];
    const asked = [call("GET", `/orders${query({ symbol, status: "open", profile: shown })}`)];
    if (this.since) asked.push(call("GET", `/fills${query({ symbol, since: this.since, profile: shown })}`));
    const [orders, fills] = await Promise.all(asked);
    if (mine !== this.asked) return;
    if (orders.ok) this.drawOrders(orders.body.items);
    if (fills?.ok) this.drawFills(fills.body.items, span);
  }

  drawOrders(orders) {
    for (const line of this.lines) this.series.removePriceLine(line);
    const resting = orders.filter((order) => order.limit_price ?? order.stop_price);
    this.lines = resting.map((order) => this.series.createPriceLine({
      price: Number(order.limit_price ?? order.stop_price), color: colour(order.side === "buy" ? "up" : "down"), lineWidth: 1, lineStyle: DASHED,
      title: `${order.side} ${order.quantity === null ? "" : number(order.quantity)} ${words(order.type)}`,
    }));
    this.place.dataset.orders = this.lines.length;
  }

  drawFills(fills, span) {
    const made = fills.map((fill) => {
      const buys = fill.side === "buy";
      const at = Math.floor(second(fill.time) / span) * span;
      return { time: at, position: buys ? "belowBar" : "aboveBar", shape: buys ? "arrowUp" : "arrowDown", color: colour(buys ? "up" : "down"), text: `${fill.side} ${number(fill.quantity)} at ${price(fill.price)}` };
    });
    this.markers.setMarkers(made.sort((one, other) => one.time - other.time));
    this.place.dataset.fills = made.length;
  }

  /** The newest price moves the newest candle. */
  tick(value) {
    if (!this.last || !Number.isFinite(value)) return;
    const { span } = this.where;
    const now = Math.floor(Date.now() / 1000 / span) * span;
    const { last } = this;
    this.last = now > last.time ? { time: now, open: value, high: value, low: value, close: value } : { ...last, close: value, high: Math.max(last.high, value), low: Math.min(last.low, value) };
    this.series.update(this.last);
  }

  /** A quote moves it by its last price, or by the middle where there is none. */
  quote(found) {
    const middle = found.last ?? (found.bid && found.ask ? String((Number(found.bid) + Number(found.ask)) / 2) : null);
    if (middle) this.tick(Number(middle));
  }
}
