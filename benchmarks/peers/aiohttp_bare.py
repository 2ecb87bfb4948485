"""aiohttp on uvloop, posting an order and reading the answer as a dict: nothing around it."""

from __future__ import annotations

import os

import aiohttp
import uvloop
from speak import in_flight, prepare, serve_async, timed_async

KEYS = {"APCA-API-KEY-ID": os.environ["BROKER_API_KEY"], "APCA-API-SECRET-KEY": os.environ["BROKER_SECRET_KEY"]}
URL = os.environ["BROKER_URL"] + "/v2/orders"
ORDER = {
    "symbol": "AAPL", "qty": "2", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "150.25",
    "extended_hours": False,
}  # fmt: skip


async def main() -> None:
    connector = aiohttp.TCPConnector(limit=32)
    async with aiohttp.ClientSession(headers=KEYS, connector=connector) as session:

        async def submit() -> object:
            async with session.post(URL, json=ORDER) as reply:
                return await reply.json()

        rounds = {
            "sequential": lambda count: timed_async(submit, count),
            "inflight": lambda count: in_flight(submit, count),
        }
        await serve_async(rounds, "aiohttp", "uvloop")


prepare(cpu=0)
uvloop.run(main())
