// The ladder of a book: asks above, bids below, each with a bar for its size.

import { by, make, number, price } from "./text.js";

const LEVELS = 10;

function level(one, side, most) {
  const bar = make("meter", { min: "0", max: "1", value: String(most ? Number(one.size) / most : 0), "aria-hidden": "true" });
  const size = make("td", { class: `num ${side}` }, bar, ` ${number(one.size)}`);
  const empty = make("td", {});
  const at = make("td", { class: `num ${side === "bid" ? "up" : "down"}` }, price(one.price));
  return make("tr", {}, ...(side === "bid" ? [size, at, empty] : [empty, at, size]));
}

/** Draw a book into the page's ladder; null with a reason where there is none. */
export function showBook(book, trouble = "", levels = LEVELS) {
  by("ladder").hidden = !book;
  by("ladder-told").hidden = Boolean(book);
  by("ladder-state").textContent = book ? [book.spread && `spread ${price(book.spread)}`, book.state].filter(Boolean).join(" · ") : "";
  if (!book) {
    by("ladder-told").textContent = trouble || "There is no book of it.";
    return;
  }
  const [asks, bids] = [book.asks.slice(0, levels), book.bids.slice(0, levels)];
  const most = Math.max(...[...bids, ...asks].map((one) => Number(one.size)), 0);
  const rows = [...asks.reverse().map((one) => level(one, "ask", most)), ...bids.map((one) => level(one, "bid", most))];
  by("ladder").querySelector("tbody").replaceChildren(...rows);
}
