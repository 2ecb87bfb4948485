"""aiohttp, posting an order to Tradier as a form and reading the answer as a dict: nothing around it."""

from __future__ import annotations

import os

import aiohttp
import uvloop
from speak import prepare, serve_async, timed_async

KEYS = {"Authorization": f"Bearer {os.environ['BROKER_API_KEY']}", "Accept": "application/json"}
URL = f"{os.environ['BROKER_URL']}/v1/accounts/{os.environ['BROKER_ACCOUNT_NUMBER']}/orders"


async def main() -> None:
    async with aiohttp.ClientSession(headers=KEYS) as session:

        async def submit() -> None:
            form = {
                "class": "equity", "symbol": "AAPL", "side": "buy", "quantity": "2", "type": "limit",
                "price": "150.25", "duration": "day",
            }  # fmt: skip
            async with session.post(URL, data=form) as reply:
                answer = await reply.json()
                if answer.get("order", {}).get("status") != "ok":
                    raise RuntimeError(f"an order was answered {reply.status}: {answer}")

        await serve_async({"sequential": lambda count: timed_async(submit, count)}, "aiohttp", "uvloop")


prepare(cpu=0)
uvloop.run(main())
