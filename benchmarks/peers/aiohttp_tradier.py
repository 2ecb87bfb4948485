"""aiohttp, posting an order to Tradier as a form and reading the answer as a dict: nothing around it."""

from __future__ import annotations

import asyncio
import itertools
import os

import aiohttp
from speak import paced, prepare, serve_async

KEYS = {"Authorization": f"Bearer {os.environ['BROKER_API_KEY']}", "Accept": "application/json"}
URL = f"{os.environ['BROKER_URL']}/v1/accounts/{os.environ['BROKER_ACCOUNT_NUMBER']}/orders"


async def main() -> None:
    turns = itertools.cycle((("buy", os.environ["ORDER_BUY"]), ("sell", os.environ["ORDER_SELL"])))
    async with aiohttp.ClientSession(headers=KEYS) as session:

        async def submit() -> None:
            side, price = next(turns)
            form = {
                "class": "equity", "symbol": "AAPL", "side": side, "quantity": "2", "type": "limit", "price": price,
                "duration": "day",
            }  # fmt: skip
            async with session.post(URL, data=form) as reply:
                answer = await reply.json()
                if answer.get("order", {}).get("status") != "ok":
                    raise RuntimeError(f"an order was answered {reply.status}: {answer}")

        await serve_async({"paced": lambda count: paced(submit, count, float(os.environ["ORDER_PAUSE_S"]))}, "aiohttp")


prepare(cpu=0)
asyncio.run(main())
