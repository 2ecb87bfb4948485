"""The HTTP client (Rust) of nautilus_trader, which has no Alpaca adapter: a POST of the order and its answer as a dict."""

from __future__ import annotations

import json
import os

import uvloop
from nautilus_trader.core.nautilus_pyo3 import HttpClient, HttpMethod
from speak import in_flight, prepare, serve_async, timed_async

HEADERS = {
    "APCA-API-KEY-ID": os.environ["BROKER_API_KEY"],
    "APCA-API-SECRET-KEY": os.environ["BROKER_SECRET_KEY"],
    "Content-Type": "application/json",
}
URL = os.environ["BROKER_URL"] + "/v2/orders"
ORDER = {
    "symbol": "AAPL", "qty": "2", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "150.25",
}  # fmt: skip


async def main() -> None:
    client = HttpClient()

    async def submit() -> object:
        reply = await client.request(HttpMethod.POST, URL, headers=HEADERS, body=json.dumps(ORDER).encode())
        return json.loads(reply.body)

    rounds = {
        "sequential": lambda count: timed_async(submit, count),
        "inflight": lambda count: in_flight(submit, count),
    }
    await serve_async(rounds, "nautilus_trader")


prepare(cpu=0)
uvloop.run(main())
