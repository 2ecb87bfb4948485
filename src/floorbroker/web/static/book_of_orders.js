// The orders a blotter knows: one by id, newest first, the newest word of each; fetched a page at a time.

import { call, query } from "./door.js";

const PAGE_ROWS = 200;
const OPEN_MAX = 1000;
const key = (order) => `${order.created_at} ${order.id}`;

export class Orders {
  constructor({ profile, symbol = "" }) {
    this.where = { profile, symbol };
    this.byId = new Map();
    this.rows = []; // newest first
    this.cursor = undefined; // null once the oldest is known
    this.fetching = false;
  }

  get open() {
    return this.rows.filter((order) => order.is_open);
  }

  /** Take an order; `fresh` when it was not known, `newer` when it says more than was known. */
  take(order) {
    const held = this.byId.get(order.id);
    if (held && held.version > order.version) return { fresh: false, newer: false }; // an older word that arrived late
    this.byId.set(order.id, order);
    const at = this.#place(order, held);
    if (held) this.rows[at] = order;
    else this.rows.splice(at, 0, order);
    return { fresh: !held, newer: !held || held.version < order.version, at };
  }

  #place(order, held) {
    if (held) return this.rows.indexOf(held);
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (key(this.rows[middle]) > key(order)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The next older page; all open ones with the first. Answers what went wrong, or nothing. */
  async more() {
    if (this.fetching || this.cursor === null) return "";
    this.fetching = true;
    const asked = [call("GET", `/orders${query({ ...this.where, limit: PAGE_ROWS, cursor: this.cursor })}`)];
    if (this.cursor === undefined) asked.push(call("GET", `/orders${query({ ...this.where, status: "open", limit: OPEN_MAX })}`));
    const replies = await Promise.all(asked);
    this.fetching = false;
    const bad = replies.find((reply) => !reply.ok);
    if (bad) return bad.body.detail;
    for (const reply of replies) reply.body.items.forEach((order) => this.take(order));
    this.cursor = replies[0].body.next_cursor;
    return "";
  }

  /** The newest page again, after a silence; what is older is asked for as it is scrolled to. */
  async refresh() {
    this.cursor = undefined;
    return this.more();
  }
}
