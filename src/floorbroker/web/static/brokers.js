// The page Brokers: self-check with one sentence, connect and disconnect, and the form that seals a new profile.

import { ask, askFor } from "./ask.js";
import { callAt } from "./door.js";
import { changed } from "./live.js";
import { by, make, say, words } from "./text.js";

/** A request about a profile; `env` is where it is, which may be an environment without a desk. */
function at(env, method, name, verb = "", members = {}) {
  const profile = name && `/${encodeURIComponent(name)}${verb && `/${verb}`}`;
  return callAt(method, `/api/v1/${env ?? document.body.dataset.env}/profiles${profile}`, members);
}

// -- self-check -----------------------------------------------------------------------------------------------------------

/** A self-check in one sentence: what is wrong first, or that nothing is. */
function sentence(name, check) {
  const bad = check.checks.filter((one) => !one.ok);
  const account = check.checks.find((one) => one.ok && one.detail.startsWith("account "))?.detail;
  if (check.ok) return `${name} is fine${account ? `, ${account}` : ""}: ${check.checks.map((one) => words(one.name)).join(", ")} passed.`;
  return `${name} cannot trade: ${bad.map((one) => `${words(one.name)}, ${one.detail}`).join("; ")}.`;
}

function checkLine(one) {
  return make("li", { class: one.ok ? "yes" : "no" }, `${one.ok ? "✓" : "✕"} ${words(one.name)}: ${one.detail}`);
}

async function check(button) {
  const name = button.dataset.check;
  const place = document.querySelector(`[data-verdict="${CSS.escape(name)}"]`);
  button.disabled = true;
  place.replaceChildren(make("p", { class: "quiet" }, "Asking the venue; no order is placed."));
  const reply = await at(button.dataset.env, "POST", name, button.dataset.stored === undefined ? "self-check" : "test");
  button.disabled = false;
  if (!reply.ok) return place.replaceChildren(make("p", { class: "message bad" }, `${name} could not be tested: ${reply.body.detail}`));
  const kind = reply.body.ok ? "message" : "message bad";
  place.replaceChildren(make("p", { class: kind }, sentence(name, reply.body)), make("ul", {}, ...reply.body.checks.map(checkLine)));
}

// -- a person's log-in at the venue -------------------------------------------------------------------------------------------

/** The venue's page as a link, and a field for the address that it leads back to; the code in it is good once. */
async function login(button) {
  const name = button.dataset.login;
  const place = document.querySelector(`[data-verdict="${CSS.escape(name)}"]`);
  button.disabled = true;
  const begun = await at(button.dataset.env, "POST", name, "login");
  button.disabled = false;
  if (!begun.ok) return place.replaceChildren(make("p", { class: "message bad" }, begun.body.detail));
  const page = make("a", { href: begun.body.url, target: "_blank", rel: "noopener noreferrer" }, "the venue's page");
  const back = make("input", { type: "password", autocomplete: "off", spellcheck: "false", "aria-label": "The address it led back to, or the code in it" });
  const done = make("button", { type: "submit", class: "primary" }, "Finish the log-in");
  const form = make("form", { class: "tools", novalidate: true }, back, done);
  form.addEventListener("submit", (event) => finish(event, { env: button.dataset.env, name, place, back, state: begun.body.state }));
  place.replaceChildren(make("p", {}, "Log in on ", page, " within ten minutes, then paste the address that it leads back to."), form);
  back.focus();
}

async function finish(event, { env, name, place, back, state }) {
  event.preventDefault();
  const code = back.value.trim();
  if (!code) return back.focus();
  back.value = "";
  place.replaceChildren(make("p", { class: "quiet" }, "Asking the venue for the token."));
  const reply = await at(env, "POST", name, "login/code", { body: { code, state } });
  const told = reply.ok ? [`${name} is logged in; the token is sealed.`, ...reply.body.notes].join(" ") : reply.body.detail;
  place.replaceChildren(make("p", { class: reply.ok ? "message" : "message bad" }, told));
  changed();
}

// -- sessions -------------------------------------------------------------------------------------------------------------

async function link(button) {
  const { link: verb, name } = button.dataset;
  const env = button.dataset.env;
  const told = verb === "connect" ? `Connect ${name}?` : `Disconnect ${name}? It takes no new orders until it is connected again.`;
  const reason = await askFor(told, "Why, for the record", words(verb));
  if (!reason) return;
  const reply = await at(env, "POST", name, verb, { body: { reason } });
  say(by("told"), reply.ok ? `${name} is ${reply.body.state}.` : reply.body.detail, reply.ok ? "" : "bad");
  changed();
}

async function remove(button) {
  const { remove: name, open, env } = button.dataset;
  const beside = Number(open) ? ` It has ${open} open orders: cancel them first.` : "";
  if (!(await ask(`Remove ${name} and its secrets? Its journal stays.${beside}`, "Remove it"))) return;
  const reply = await at(env, "DELETE", name);
  say(by("told"), reply.ok ? `${name} is removed; the desk has let it go.` : reply.body.detail, reply.ok ? "" : "bad");
  changed();
}

async function enable(button) {
  const { enable: name, on, env } = button.dataset;
  const reply = await at(env, "PATCH", name, "", { body: { enabled: on === "true" } });
  const told = reply.ok ? [`${name} is switched ${on === "true" ? "on" : "off"}; ${reply.body.applies}.`, ...reply.body.notes].join(" ") : reply.body.detail;
  say(by("told"), told, reply.ok ? "" : "bad");
  changed();
}

// -- a new profile --------------------------------------------------------------------------------------------------------

function wish(form) {
  const fields = {};
  const beside = {};
  for (const input of form.querySelectorAll("[data-field]")) {
    const value = input.tagName === "TEXTAREA" ? input.value : input.value.trim();
    if (!value) continue;
    if (input.dataset.field === "BROKER_HOST") beside.host = value;
    else if (input.dataset.field === "BROKER_URL") beside.url = value;
    else fields[input.dataset.field] = value;
  }
  const options = {};
  for (const input of form.querySelectorAll("[data-option]")) {
    if (input.value.trim() !== input.dataset.default) options[input.dataset.option] = input.value.trim();
  }
  return { name: by("connect-name").value.trim(), broker: form.dataset.broker, fields, options, ...beside };
}

function clear(form) {
  for (const told of form.querySelectorAll(".wrong")) told.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  by("connect-checks").replaceChildren();
  say(by("connect-told"), "");
}

function mark(form, error) {
  const name = error.pointer.split("/").at(-1);
  const input = form.querySelector(`[data-field="${CSS.escape(name)}"], [data-option="${CSS.escape(name)}"], [name="${CSS.escape(name)}"]`);
  if (!input) return false;
  input.setAttribute("aria-invalid", "true");
  input.closest(".field").append(make("p", { class: "wrong" }, error.detail));
  return true;
}

function refuse(form, problem) {
  const left = (problem.errors ?? []).filter((error) => !mark(form, error));
  say(by("connect-told"), left.map((error) => error.detail).join("; ") || problem.detail, "bad");
  form.querySelector("[aria-invalid]")?.focus();
}

async function connect(event) {
  const form = event.target.closest("#connect-form");
  if (!form) return;
  event.preventDefault();
  clear(form);
  const asked = wish(form);
  const button = form.querySelector('button[type="submit"]');
  button.disabled = true;
  const { rotate, env } = form.dataset;
  const reply = rotate ? await at(env, "POST", rotate, "rotate", { body: { fields: asked.fields } }) : await at(env, "POST", "", "", { body: asked });
  if (!reply.ok) refuse(form, reply.body);
  else if (rotate) replaced(form, rotate, reply.body);
  else await proven(form, asked.name, reply.body);
  button.disabled = false;
}

/** The venue took them, else they would not be stored. */
function replaced(form, name, stored) {
  for (const input of form.querySelectorAll("[data-field]")) input.value = "";
  say(by("connect-told"), `The venue takes the new secrets of ${name}: they are sealed in the place of the old; ${stored.applies}.`);
  changed();
}

async function proven(form, name, stored) {
  for (const input of form.querySelectorAll("[data-field]")) input.value = ""; // sealed: no copy stays in the page
  const tried = await at(form.dataset.env, "POST", name, "test");
  const verdict = tried.ok ? sentence(name, tried.body) : `It is sealed, and could not be tested: ${tried.body.detail}`;
  say(by("connect-told"), [verdict, ...stored.notes, `Sealed; ${stored.applies}.`].join(" "), tried.ok && tried.body.ok ? "" : "bad");
  const { env } = form.dataset;
  if (env !== document.body.dataset.env) by("connect-told").append(" ", make("a", { href: `/brokers?env=${env}` }, `Look at it in ${env.toUpperCase()}.`));
  by("connect-checks").replaceChildren(...(tried.ok ? tried.body.checks.map(checkLine) : []));
  changed();
}

// -- the vault ------------------------------------------------------------------------------------------------------------

const VAULT = { absent: "", locked: "/unlock", grace: "/unlock", unlocked: "/lock" };

async function vault(event) {
  const form = event.target.closest("#vault-form");
  if (!form) return;
  event.preventDefault();
  const { standing } = form.dataset;
  const [word, again] = [by("vault-word")?.value, by("vault-again")?.value];
  if (word === "") return say(by("vault-trouble"), "Type the passphrase.", "bad");
  if (again !== undefined && again !== word) return say(by("vault-trouble"), "The two are not the same.", "bad");
  const button = form.querySelector("button");
  button.disabled = true;
  const reply = await callAt("POST", `/api/v1/vault${VAULT[standing]}`, { body: word === undefined ? {} : { passphrase: word } });
  button.disabled = false;
  for (const input of form.querySelectorAll("input")) input.value = "";
  say(by("vault-trouble"), reply.ok ? "" : reply.body.detail, "bad");
  if (reply.ok) changed(); // the form of the new standing
}

const ACTS = { check, link, login, remove, enable };
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-check], [data-link], [data-login], [data-remove], [data-enable]");
  const name = button && Object.keys(ACTS).find((one) => button.dataset[one] !== undefined);
  if (name) ACTS[name](button);
});
document.addEventListener("submit", connect);
document.addEventListener("submit", vault);
