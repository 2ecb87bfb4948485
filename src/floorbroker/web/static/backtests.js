// The page Backtests: run one beside the desk, see how far it is, go to what came of it.

import { callAt } from "./door.js";
import { by, say } from "./text.js";

const LOOK_MS = 500; // long work has no stream of its own
let running = "";

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

function wish(form) {
  const told = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
  const words = (text) => (text ?? "").split(/[\s,]+/).filter(Boolean);
  const parameters = Object.fromEntries(words(told.parameters).map((pair) => [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)]));
  return { ...told, symbols: words(told.symbols).map((one) => one.toUpperCase()), parameters };
}

async function follow(path) {
  running = path;
  by("run-progress").hidden = by("run-cancel").hidden = false;
  let found;
  do {
    await wait(LOOK_MS);
    const reply = await callAt("GET", path);
    if (!reply.ok) return reply.body.detail;
    found = reply.body;
    by("run-progress").value = found.percent;
    say(by("run-told"), `${found.name}: ${found.state}`);
  } while (["waiting", "running"].includes(found.state));
  if (found.result) location.assign(found.result.replace("/api/v1", ""));
  return found.result ? "" : [found.state, found.detail].filter(Boolean).join(": ");
}

by("run-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector('button[type="submit"]');
  button.disabled = true;
  const reply = await callAt("POST", "/api/v1/backtests", { body: wish(event.target) });
  const wrong = (reply.body?.errors ?? []).map((error) => `${error.pointer.slice(1)}: ${error.detail}`).join("; ");
  const trouble = reply.ok ? await follow(`/api/v1/operations/${reply.body.id}`) : wrong || reply.body.detail;
  by("run-progress").hidden = by("run-cancel").hidden = true;
  button.disabled = false;
  if (trouble) say(by("run-told"), trouble, "bad");
});

by("run-cancel")?.addEventListener("click", () => callAt("DELETE", running));
