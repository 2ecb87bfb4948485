// Prices of one symbol over the desk's WebSocket, drawn once a frame. Where the desk has no such socket, or while it is lost, the
// door is asked every two seconds, and whoever shows the prices is told so.

import { call, query } from "./door.js";

const ASK_MS = 2000;
const AGAIN_MS = 5000;
const GONE = new Set([4400, 4401, 4403]);
const nothing = () => undefined;

class Followed {
  constructor(where, { quote, trade, book, state = nothing }) {
    Object.assign(this, { where, quote, trade, book, state });
    this.latest = { trades: [] };
    this.over = false;
    this.open();
    this.ask(); // what there is now; the socket tells what changes
  }

  // -- drawing ------------------------------------------------------------------------------------------------------------

  take(kind, data) {
    if (kind === "trades") this.latest.trades.push(data);
    else this.latest[kind] = data;
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { quotes, book, trades } = this.latest;
    [this.frame, this.latest] = [0, { trades: [] }];
    if (this.over) return;
    if (quotes) this.quote(quotes);
    if (book) this.book?.(book, "");
    for (const one of trades) this.trade?.(one);
  }

  // -- the socket ---------------------------------------------------------------------------------------------------------

  open() {
    const { env, profile, symbol } = this.where;
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/${env}/stream`);
    let was = false;
    this.socket.addEventListener("open", () => {
      was = true;
      this.awaited = new Set(["quotes", this.trade && "trades", this.book && "book"].filter(Boolean));
      // One message each: a venue without books has quotes all the same.
      for (const kind of this.awaited) this.socket.send(JSON.stringify({ op: "subscribe", id: kind, channels: [`${kind}:${profile}:${symbol}`] }));
    });
    this.socket.addEventListener("message", (message) => this.hear(JSON.parse(message.data)));
    this.socket.addEventListener("close", (event) => {
      if (this.over) return;
      this.poll();
      if (was && !GONE.has(event.code)) setTimeout(() => this.over || this.open(), AGAIN_MS);
    });
  }

  hear(told) {
    for (const one of Array.isArray(told) ? told : [told]) {
      if (one.type === "event" || one.type === "snapshot") this.take(one.channel.split(":")[0], one.data);
      else if (one.type === "error" && one.id === "book") this.book?.(null, one.detail);
      else if (one.type === "error" && one.id === "quotes") this.poll();
      else if (one.type === "ack" && one.id === "quotes") this.rest();
      if (this.awaited.delete(one.id) && this.awaited.size === 0 && !this.timer) this.state("live");
    }
  }

  rest() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  // -- asking -------------------------------------------------------------------------------------------------------------

  poll() {
    this.state("asked every 2 s");
    this.timer ||= setInterval(() => document.hidden || this.ask(), ASK_MS);
  }

  async ask() {
    const { profile, symbol } = this.where;
    const asked = [call("GET", `/quotes${query({ symbols: symbol, profile })}`)];
    if (this.book) asked.push(call("GET", `/book${query({ symbol, profile, depth: 10 })}`));
    const [quotes, book] = await Promise.all(asked);
    if (this.over) return;
    if (quotes.ok) this.take("quotes", quotes.body.items[0]);
    else this.quote(null, quotes.body.detail);
    if (book?.ok) this.take("book", book.body);
    else if (book) this.book(null, book.body.detail);
  }

  stop() {
    this.over = true;
    this.rest();
    this.socket.close();
  }
}

/** Follow a symbol at a profile's venue; `stop()` ends it. `quote` is called with null and a reason where there is none. */
export const follow = (where, acts) => new Followed(where, acts);
