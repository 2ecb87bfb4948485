"""ccxt's own Alpaca client, asynchronous, without its rate limiter: `create_order` of a limit order."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import ccxt.async_support as ccxt
from speak import in_flight, prepare, serve_async, timed_async

MARKET: dict[str, Any] = {
    "id": "AAPL", "symbol": "AAPL/USD", "base": "AAPL", "quote": "USD", "baseId": "AAPL", "quoteId": "USD",
    "type": "spot", "spot": True, "margin": False, "swap": False, "future": False, "option": False, "contract": False,
    "active": True, "precision": {"amount": 0.0001, "price": 0.01}, "limits": {}, "info": {},
}  # fmt: skip


async def main() -> None:
    key, secret, url = (os.environ[name] for name in ("BROKER_API_KEY", "BROKER_SECRET_KEY", "BROKER_URL"))
    exchange = ccxt.alpaca({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], url)
    exchange.set_markets([exchange.safe_market_structure(MARKET)])

    async def submit() -> object:
        return await exchange.create_order("AAPL/USD", "limit", "buy", 2, 150.25)

    rounds = {
        "sequential": lambda count: timed_async(submit, count),
        "inflight": lambda count: in_flight(submit, count),
    }
    await serve_async(rounds, "ccxt")
    await exchange.close()


prepare(cpu=0)
asyncio.run(main())
