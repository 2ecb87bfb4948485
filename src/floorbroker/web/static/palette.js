// The command palette: type a part of a page's name, a symbol, or an order's id, and go there.

import { query } from "./door.js";
import { openKill } from "./kill.js";
import { by, make } from "./text.js";

const SYMBOL = /^[A-Za-z0-9][A-Za-z0-9./:-]{0,20}$/;
const env = document.body.dataset.env;
const profile = document.body.dataset.profile;
let [offers, at] = [[], 0];

const go = (path) => () => location.assign(path + query({ env, profile }));

function offered(word) {
  const wanted = word.toLowerCase();
  const links = [...document.querySelectorAll("nav.pages a")];
  const found = links.map((link) => ({ text: link.textContent, act: () => location.assign(link.href) }));
  found.push({ text: "Kill switch", act: () => openKill() });
  const pages = found.filter((one) => one.text.toLowerCase().includes(wanted));
  if (!word) return pages;
  const symbol = word.toUpperCase();
  const beside = SYMBOL.test(word)
    ? [
        { text: `Symbol ${symbol}`, act: go(`/symbol/${symbol.split("/").map(encodeURIComponent).join("/")}`) },
        { text: `Trade ${symbol}`, act: () => location.assign(`/trade${query({ env, profile, symbol })}`) },
      ]
    : [];
  const order = /^(fb-)?[0-9a-f-]{12,}$/i.test(word) ? [{ text: `Order ${word}`, act: go(`/orders/${encodeURIComponent(word)}`) }] : [];
  return [...order, ...pages, ...beside];
}

function show() {
  offers = offered(by("palette-word").value.trim());
  at = Math.min(at, Math.max(offers.length - 1, 0));
  const items = offers.map((one, index) => {
    const item = make("li", { role: "option", id: `offer-${index}`, "aria-selected": String(index === at) }, one.text);
    item.addEventListener("click", () => take(index));
    return item;
  });
  by("palette-list").replaceChildren(...items);
  by("palette-word").setAttribute("aria-activedescendant", offers.length ? `offer-${at}` : "");
}

function take(index) {
  by("palette").close();
  offers[index]?.act();
}

function onKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step && event.key !== "Enter") return;
  event.preventDefault();
  if (event.key === "Enter") return take(at);
  at = (at + step + offers.length) % Math.max(offers.length, 1);
  show();
}

export function openPalette() {
  by("palette-word").value = "";
  at = 0;
  show();
  if (!by("palette").open) by("palette").showModal();
  by("palette-word").focus();
}

export function wakePalette() {
  by("palette-word").addEventListener("input", () => {
    at = 0;
    show();
  });
  by("palette-word").addEventListener("keydown", onKey);
  by("palette-open").addEventListener("click", openPalette);
  by("palette-open").disabled = false;
}
