// The page Audit: verify the chain, and take the rows away as CSV.

import { callAt } from "./door.js";
import { by, make, number, say } from "./text.js";

const environment = document.body.dataset.env;

function verdict(found) {
  const wrong = found.finding;
  const told = found.ok
    ? `The chain is whole: records ${number(String(found.first))} to ${number(String(found.last))}, ${found.checkpoints} checkpoints; ${found.waiting} rows wait to be exported.`
    : `The chain is broken from record ${wrong.seq} on: ${wrong.detail} (${wrong.kind}, ${wrong.where}).`;
  const beside = [`It was compared with: ${found.used.join(", ") || "nothing else"}.`, ...found.remarks];
  return [make("p", { class: found.ok ? "message" : "message bad" }, told), make("ul", { class: "quiet" }, ...beside.map((text) => make("li", {}, text)))];
}

by("verify").addEventListener("click", async () => {
  by("verify").disabled = true;
  const reply = await callAt("POST", `/api/v1/audit/verify?${new URLSearchParams({ environment })}`);
  by("verify").disabled = false;
  by("proof-told").replaceChildren(...(reply.ok ? verdict(reply.body) : [make("p", { class: "message bad" }, reply.body.detail)]));
});

by("audit-csv").addEventListener("click", async () => {
  const rows = [...document.querySelectorAll("#audit-rows tbody tr")].map((row) => Number(row.dataset.seq));
  const after = rows.length ? Math.min(...rows) - 1 : 0;
  const reply = await fetch(`/api/v1/audit?${new URLSearchParams({ environment, after, limit: 1000 })}`, { headers: { Accept: "text/csv" }, credentials: "same-origin" });
  if (!reply.ok) return say(by("told"), `No CSV: the desk answered ${reply.status}`, "bad");
  const link = make("a", { href: URL.createObjectURL(await reply.blob()), download: "audit.csv" });
  link.click();
  URL.revokeObjectURL(link.href);
});
