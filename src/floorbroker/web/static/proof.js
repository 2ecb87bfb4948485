// A fresh proof of who somebody is: a dialog that asks for password or code, made when it is first needed.

import { make } from "./text.js";

const HEADERS = { Accept: "application/json", "Content-Type": "application/json", "X-Floorbroker-Request": "1" };
let open = null;

async function asks() {
  const reply = await fetch("/api/v1/auth", { headers: HEADERS, credentials: "same-origin" });
  return reply.ok ? await reply.json() : null;
}

async function prove(member, word) {
  const init = { method: "POST", headers: HEADERS, credentials: "same-origin", body: JSON.stringify({ [member]: word }) };
  const reply = await fetch("/api/v1/auth/proof", init);
  return reply.ok ? "" : (await reply.json()).detail;
}

function dialog(member) {
  const isCode = member === "code";
  const field = make("input", {
    id: "proof-word", type: isCode ? "text" : "password", required: true, maxlength: 1024,
    autocomplete: isCode ? "one-time-code" : "current-password",
  });
  const trouble = make("p", { class: "message bad", role: "alert", hidden: true });
  const yes = make("button", { type: "submit", class: "danger" }, "Prove it");
  const no = make("button", { type: "button" }, "Not now");
  const form = make("form", { method: "dialog" },
    make("h2", { id: "proof-title" }, "Prove who you are"),
    make("label", { for: "proof-word" }, isCode ? "Code" : "Password"),
    field, trouble, make("p", { class: "buttons" }, yes, no));
  return { made: make("dialog", { id: "proof-dialog", "aria-labelledby": "proof-title" }, form), form, field, trouble, no };
}

function ask(member) {
  const { made, form, field, trouble, no } = dialog(member);
  document.body.append(made);
  made.showModal();
  field.focus();
  return new Promise((done) => {
    made.addEventListener("close", () => { made.remove(); done(made.returnValue === "proved"); });
    no.addEventListener("click", () => made.close(""));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const wrong = await prove(member, field.value);
      if (!wrong) return made.close("proved");
      trouble.textContent = wrong;
      trouble.hidden = false;
      field.value = "";
      field.focus();
    });
  });
}

/** Whether somebody proved who they are; asks once, however many requests wait for it. */
export function proven() {
  open ??= (async () => {
    const who = await asks();
    return who?.kind === "person" ? ask(who.second_factor ? "code" : "password") : false;
  })().finally(() => { open = null; });
  return open;
}
