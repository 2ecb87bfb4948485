"""aiohttp, posting an order to Tradier as a form and reading the answer as a dict: nothing around it."""

from __future__ import annotations

import asyncio
import itertools
import os

import aiohttp
from speak import prepare, serve_async, timed_async

KEYS = {"Authorization": f"Bearer {os.environ['BROKER_API_KEY']}", "Accept": "application/json"}
URL = f"{os.environ['BROKER_URL']}/v1/accounts/{os.environ['BROKER_ACCOUNT_NUMBER']}/orders"


async def main() -> None:
    turns = itertools.cycle((("buy", os.environ["ORDER_BUY"]), ("sell", os.environ["ORDER_SELL"])))
    async with aiohttp.ClientSession(headers=KEYS) as session:

        async def submit(side: str, price: str) -> None:
            form = {
                "class": "equity", "symbol": "AAPL", "side": side, "quantity": "2", "type": "limit", "price": price,
                "duration": "day",
            }  # fmt: skip
            async with session.post(URL, data=form) as reply:
                answer = await reply.json()
                if answer.get("order", {}).get("status") != "ok":
                    raise RuntimeError(f"an order was answered {reply.status}: {answer}")

        async def sequential(count: int) -> dict[str, float]:
            side, price = next(turns)
            return await timed_async(lambda: submit(side, price), count)

        await serve_async({"sequential": sequential}, "aiohttp")


prepare(cpu=0)
asyncio.run(main())
