// Beside the ticket: candles and book of the symbol that is typed. The chart is fetched when a first symbol is there.

import { showBook } from "./ladder.js";
import { hear } from "./stream.js";
import { by, say } from "./text.js";

const LEVELS = 6;
let [candles, where, span] = [null, null, 300];

function chips() {
  for (const chip of by("market-spans").children) chip.setAttribute("aria-pressed", String(Number(chip.dataset.span) === span));
}

/** Show another symbol; nothing without one. */
export async function showMarket(symbol, profile) {
  where = symbol && profile ? { symbol, profile } : null;
  by("market-shown").hidden = by("market-spans").hidden = !where;
  by("market-symbol").textContent = symbol || "Market";
  by("market-told").textContent = where ? `at ${profile}` : "choose a symbol";
  if (!where) return;
  showBook(null, "The book is being asked for.");
  if (!candles) {
    const { Candles } = await import("./candles.js");
    candles ??= new Candles(by("chart"), (text, kind) => say(by("chart-told"), text, kind));
  }
  if (where) await candles.show({ ...where, span });
}

export const marketQuote = (found) => candles?.quote(found);
export const marketTrade = (trade) => candles?.tick(Number(trade.price));
export const marketBook = (book, trouble) => showBook(book, trouble, LEVELS);

export function wakeMarket() {
  by("market-spans").addEventListener("click", (event) => {
    const chip = event.target.closest("[data-span]");
    if (!chip || !where) return;
    span = Number(chip.dataset.span);
    chips();
    candles?.show({ ...where, span });
  });
  hear("orders", (event) => where && event.data.symbol === where.symbol && candles?.own());
  hear("fills", (event) => where && event.data.execution.symbol === where.symbol && candles?.own());
}
