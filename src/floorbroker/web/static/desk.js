// Wakes what stands around every page: the stream, the kill switch, keys and palette, the clock, the theme.

import { wakeAsk } from "./ask.js";
import { call } from "./door.js";
import { wakeIdle } from "./idle.js";
import { keep, kept } from "./kept.js";
import { refreshKill, wakeKill } from "./kill.js";
import { wakeKeys } from "./keys.js";
import { wakeLive } from "./live.js";
import { wakePalette } from "./palette.js";
import { hear, mine, onOpen, wakeStream } from "./stream.js";
import { by } from "./text.js";

const WORST_FIRST = ["stopped", "offline", "locked", "maintenance", "degraded", "connecting", "reconciling", "ready"];
const THEMES = { "": "as the system", light: "light", dark: "dark" };

async function refreshStanding() {
  const reply = await call("GET", "/profiles");
  if (!reply.ok) return;
  const states = reply.body.items.filter((one) => one.enabled && mine(one.name)).map((one) => one.state);
  const worst = WORST_FIRST.find((state) => states.includes(state)) ?? "offline";
  [by("standing").dataset.state, by("standing").textContent] = [worst, worst];
}

function wakeClock() {
  const tick = () => {
    by("clock").textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
  };
  tick();
  setInterval(tick, 1000);
}

function showTheme() {
  const theme = kept("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  by("theme-word").textContent = THEMES[theme] ?? THEMES[""];
  document.dispatchEvent(new CustomEvent("desk:theme"));
}

function wakeTheme() {
  const names = Object.keys(THEMES);
  by("theme-next").addEventListener("click", () => {
    keep("theme", names[(names.indexOf(kept("theme")) + 1) % names.length]);
    showTheme();
  });
  by("theme-next").disabled = false;
  showTheme();
}

wakeLive();
wakeAsk();
wakeKill();
wakePalette();
wakeKeys();
wakeClock();
wakeTheme();
wakeIdle();
for (const id of ["env", "profile"]) by(id)?.addEventListener("change", (event) => event.target.form.submit());
hear("risk", refreshKill);
hear("health", () => Promise.all([refreshStanding(), refreshKill()]));
onOpen(() => Promise.all([refreshStanding(), refreshKill()]));
wakeStream();
document.documentElement.dataset.ready = "true"; // everything listens now
