// One symbol: candles with our own fills and orders drawn on them, the ladder, trades, and live prices.

import { Candles } from "./candles.js";
import { wakeCancels } from "./cancels.js";
import { call } from "./door.js";
import { wakeEvidence } from "./evidence.js";
import { showBook } from "./ladder.js";
import { changed } from "./live.js";
import { follow } from "./prices.js";
import { hear } from "./stream.js";
import { by, clock, make, number, price, say } from "./text.js";

const { symbol, source } = by("symbol-head").dataset;
const { env } = document.body.dataset;
const TRADES_MAX = 50;
const STALE_MS = 5000;
let [span, heard] = [300, 0];

const candles = new Candles(by("chart"), (text, kind) => say(by("chart-told"), text, kind));
const showBars = () => candles.show({ symbol, profile: source, span });

// -- prices, trades -------------------------------------------------------------------------------------------------------

function onQuote(found) {
  if (!found) return; // the page says why, above
  heard = Date.now();
  const place = by("prices");
  place.classList.remove("old");
  for (const name of ["bid", "ask", "last"]) place.querySelector(`[data-of="${name}"]`).textContent = found[name] === null ? "none" : price(found[name]);
  place.querySelector('[data-of="time"]').textContent = `${clock(found.time)} UTC`;
  candles.quote(found);
}

function onTrade(trade) {
  by("trades-told").hidden = true;
  by("trades").prepend(make("tr", {}, make("td", { class: "time" }, clock(trade.time)), make("td", { class: "num" }, price(trade.price)), make("td", { class: "num" }, number(trade.size))));
  while (by("trades").rows.length > TRADES_MAX) by("trades").lastElementChild.remove();
  candles.tick(Number(trade.price));
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
hear("orders", (event) => {
  if (event.data.symbol !== symbol) return;
  changed();
  candles.own();
});
hear("fills", (event) => event.data.execution.symbol === symbol && showBars());
setInterval(wither, 1000);
showBars();
follow({ env, profile: source, symbol }, { quote: onQuote, trade: onTrade, book: showBook, state: (word) => (by("chart-card").dataset.prices = word) });
