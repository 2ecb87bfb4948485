// How numbers, times and words look (the server's text.py says the same), and how nodes are made: text never becomes markup.

export const UNKNOWN = "unknown";

/** A decimal string with grouped thousands; all its digits stay. */
export function number(text) {
  if (text === null || text === undefined) return UNKNOWN;
  const [, sign, whole, rest] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [null, "", "", ""];
  if (!whole) return String(text);
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return sign + grouped + (rest ? `.${rest}` : "");
}

/** All its digits, and at least two after the point. */
export function price(text) {
  const shown = number(text);
  const digits = shown.split(".")[1] ?? "";
  return shown === UNKNOWN || digits.length >= 2 ? shown : `${shown.split(".")[0]}.${digits.padEnd(2, "0")}`;
}

/** To the cent, half to even. */
export function money(text) {
  if (text === null || text === undefined) return UNKNOWN;
  return number(rounded(text, 2) ?? text);
}

/** A quotient as a price, with ten digits in all, at least two of them after the point. */
export function average(text) {
  const whole = /^-?(\d+)\./.exec(text ?? "")?.[1];
  const exactly = whole && rounded(text, Math.max(2, 10 - whole.length));
  return price(exactly ? exactly.replace(/\.?0+$/, "") : text);
}

/** With so many digits after the point, half to even, on digits alone: no amount ever becomes a binary fraction. */
function rounded(text, places) {
  const [, sign, whole, rest = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  let digits = BigInt(whole + rest.padEnd(places, "0").slice(0, places));
  const tail = rest.slice(places).padEnd(1, "0");
  const half = /^50*$/.test(tail);
  if (half ? digits % 2n === 1n : tail[0] >= "5") digits += 1n;
  return written(sign ? -digits : digits, places);
}

/** A decimal string as a whole number of its last digits; null where it is no number. */
function exact(text) {
  const [, sign, whole, rest = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text ?? "") ?? [];
  return whole === undefined ? null : { digits: BigInt(sign + whole + rest), scale: rest.length };
}

function written(digits, scale) {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  return `${digits < 0n ? "-" : ""}${scale ? `${text.slice(0, -scale)}.${text.slice(-scale)}` : text}`;
}

/** The product of two decimal strings, exactly; null where one of them is no number. */
export function times(one, other) {
  const [a, b] = [exact(one), exact(other)];
  return a && b ? written(a.digits * b.digits, a.scale + b.scale) : null;
}

/** The difference of two decimal strings, exactly; null where one of them is no number. */
export function minus(one, other) {
  const [a, b] = [exact(one), exact(other)];
  if (!a || !b) return null;
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [a, b].map((part) => part.digits * 10n ** BigInt(scale - part.scale));
  return written(left - right, scale);
}

/** Profit or loss with its sign and an arrow, so that colour is never alone. */
export function gain(text) {
  const shown = money(text);
  if (shown === UNKNOWN || shown === "0.00") return shown;
  return shown.startsWith("-") ? `▼ \u2212${shown.slice(1)}` : `▲ +${shown}`;
}

export function direction(text) {
  const shown = gain(text);
  return shown.startsWith("▲") ? "up" : shown.startsWith("▼") ? "down" : "flat";
}

/** The time of day, UTC, of an RFC 3339 text. */
export const clock = (time) => (time ? time.slice(11, 19) : UNKNOWN);

/** Day of the year and time, UTC, for a column whose head names the zone. */
export const stamp = (time) => (time ? `${time.slice(5, 10)} ${clock(time)}` : UNKNOWN);

/** Day and time, UTC. */
export const moment = (time) => (time ? `${time.slice(0, 10)} ${clock(time)} UTC` : UNKNOWN);

export const words = (name) => name.replaceAll("_", " ");

/** An element with attributes and children; children that are text become text nodes. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export const by = (id) => document.getElementById(id);

/** Show a sentence in a message box, or hide the box. */
export function say(box, text, kind = "") {
  box.className = `message ${kind}`.trim();
  box.textContent = text;
  box.hidden = !text;
}
