// Tells the desk that somebody is there: keys and pointers keep a session from ending, what the page asks by itself does not.

const EVERY_MS = 5 * 60 * 1000;
let told = Date.now();

async function active() {
  if (Date.now() - told < EVERY_MS) return;
  told = Date.now();
  try {
    await fetch("/api/v1/auth", { headers: { "X-Floorbroker-Active": "1" }, credentials: "same-origin" });
  } catch {
    told = 0; // nobody heard it: the next key says it again
  }
}

export function wakeIdle() {
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, active, { passive: true });
}
