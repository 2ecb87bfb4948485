// What this device remembers between pages: layout and habits, never an order or a secret.

const NAME = "floorbroker.";

export function kept(name, otherwise = "") {
  try {
    return localStorage.getItem(NAME + name) ?? otherwise;
  } catch {
    return otherwise; // storage is switched off: nothing is remembered
  }
}

export function keep(name, value) {
  try {
    if (value) localStorage.setItem(NAME + name, value);
    else localStorage.removeItem(NAME + name);
  } catch {
    return; // the same
  }
}
