// Prices of one symbol over the desk's WebSocket, one socket a page, drawn once a frame. Where the desk has no such socket, or
// while it is lost, the door is asked now and then, and the page says so.

import { call, query } from "./door.js";

const ASK_MS = 2000;
const AGAIN_MS = 5000;
const REFUSED = new Set([4401, 4403]);

/** Follow a symbol: `quote`, `trade` and `book` are called with the newest, `state` with a word on how they come. */
export function follow({ env, profile, symbol }, { quote, trade, book, state }) {
  const latest = {};
  let [frame, timer, socket] = [0, 0, null];

  function draw() {
    frame = 0;
    const { quotes, books, trades } = latest;
    for (const name of Object.keys(latest)) delete latest[name];
    if (quotes) quote(quotes);
    if (books) book(books, "");
    for (const one of trades ?? []) trade(one);
  }

  function take(kind, data) {
    if (kind === "trades") (latest.trades ??= []).push(data);
    else latest[kind === "book" ? "books" : kind] = data;
    frame ||= requestAnimationFrame(draw);
  }

  function onMessage(message) {
    const told = JSON.parse(message.data);
    for (const one of Array.isArray(told) ? told : [told]) {
      if (one.type === "event" || one.type === "snapshot") take(one.channel.split(":")[0], one.data);
      else if (one.type === "error" && one.channel?.startsWith("book")) book(null, one.data?.detail ?? "");
    }
  }

  async function ask() {
    if (document.hidden) return;
    const [quotes, books] = await Promise.all([
      call("GET", `/quotes${query({ symbols: symbol, profile })}`),
      call("GET", `/book${query({ symbol, profile, depth: 10 })}`),
    ]);
    if (quotes.ok) take("quotes", quotes.body.items[0]);
    if (books.ok) take("book", books.body);
    else book(null, books.body.detail);
  }

  function asking() {
    state("asked every 2 s");
    if (timer) return;
    ask();
    timer = setInterval(ask, ASK_MS);
  }

  function live() {
    clearInterval(timer);
    timer = 0;
    state("live");
    const channels = ["quotes", "trades", "book"].map((kind) => `${kind}:${profile}:${symbol}`);
    socket.send(JSON.stringify({ op: "subscribe", id: "1", channels }));
  }

  function open() {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/${env}/stream`);
    let was = false;
    socket.addEventListener("open", () => {
      was = true;
      live();
    });
    socket.addEventListener("message", onMessage);
    socket.addEventListener("close", (event) => {
      asking();
      if (was && !REFUSED.has(event.code)) setTimeout(open, AGAIN_MS);
    });
  }

  open();
}
