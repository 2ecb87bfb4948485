// The REST door. A reply is {ok, status, body}; silence is {status: 0}: then nobody knows whether the request arrived.

import { proven } from "./proof.js";

const env = document.body.dataset.env;
export const base = `/api/v1/${env}`;
const DEADLINE_MS = 15000;

/** One request of this environment's door. */
export const call = (method, path, members) => callAt(method, base + path, members);

/** One request of an address of this desk. */
export async function callAt(method, address, { body, headers = {} } = {}) {
  const init = { method, headers: { Accept: "application/json", "X-Floorbroker-Request": "1", ...headers }, credentials: "same-origin" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  init.signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const reply = await fetch(address, init);
    if (reply.status === 401) location.assign("/login");
    const text = await reply.text();
    const told = { ok: reply.ok, status: reply.status, body: text ? JSON.parse(text) : null };
    // What is dangerous wants a fresh proof; the request was refused as a whole, so repeating it is safe.
    if (told.status === 403 && told.body?.recovery === "reauthenticate" && (await proven())) return callAt(method, address, { body, headers });
    return told;
  } catch (error) {
    return { ok: false, status: 0, body: { detail: `no answer: ${error.message}` } };
  }
}

/** A query string of the members that have a value. */
export function query(members) {
  const found = Object.entries(members).filter(([, value]) => value);
  return found.length ? `?${new URLSearchParams(found)}` : "";
}
