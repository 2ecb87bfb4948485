// The page Risk: limits, arming, strategies. Raising a limit and arming want a word typed by a person.

import { askFor } from "./ask.js";
import { call } from "./door.js";
import { changed } from "./live.js";
import { by, say, words } from "./text.js";

const LISTS = /_(symbols|assets|sides|types|tifs|hours|blackouts)$/;

function told(reply, done) {
  say(by("told"), reply.ok ? done : reply.body.detail, reply.ok ? "" : "bad");
  changed();
}

const needsWord = (reply) => (reply.body.errors ?? []).some((error) => error.pointer === "/confirm");
const valueOf = (name, text) => (["off", "none", ""].includes(text) ? null : LISTS.test(name) ? text.split(",").map((one) => one.trim()) : text);

async function setLimit({ set: name, scope, value }) {
  const text = await askFor(`${words(name)} of ${scope} is ${value || "off"} now.`, "New value (off switches it off)", "Next");
  if (text === null) return;
  const reason = await askFor(`${words(name)}: ${value || "off"} → ${text}`, "Why, for the record", "Change it");
  if (!reason) return;
  const body = { scope, name, value: valueOf(name, text), reason };
  let reply = await call("PATCH", "/risk/limits", { body });
  if (!reply.ok && needsWord(reply)) {
    const word = await askFor(`This lets more through. ${reply.body.detail}`, `Type ${name} to confirm`, "Raise it");
    if (word === null) return;
    reply = await call("PATCH", "/risk/limits", { body: { ...body, confirm: word } });
  }
  told(reply, `${words(name)} of ${scope} is ${text} now.`);
}

async function arm({ arm: profile }) {
  const reason = await askFor(`Arm ${profile}: it may then trade with real money for an hour.`, "Why, for the record", "Next");
  if (!reason) return;
  const confirm = await askFor(`Real money at ${profile}.`, `Type ${profile} to confirm`, "Arm it");
  if (!confirm) return;
  told(await call("PUT", "/arming", { body: { profile, reason, confirm, for_s: 3600 } }), `${profile} is armed for an hour.`);
}

async function disarm({ disarm: profile }) {
  told(await call("DELETE", `/arming?${new URLSearchParams({ profile })}`), `${profile} is disarmed; cancels go on.`);
}

async function turn({ switch: name, on }) {
  const reason = await askFor(`Switch ${name} ${on === "true" ? "on" : "off"}?`, "Why, for the record");
  if (!reason) return;
  const reply = await call("PUT", `/risk/strategies/${encodeURIComponent(name)}`, { body: { on: on === "true", reason } });
  told(reply, `${name} is switched ${on === "true" ? "on" : "off"}.`);
}

const ACTS = { set: setLimit, arm, disarm, switch: turn };
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set], [data-arm], [data-disarm], [data-switch]");
  const name = button && Object.keys(ACTS).find((one) => button.dataset[one] !== undefined);
  if (name) ACTS[name](button.dataset);
});
