"""ib_async's `placeOrder` until the program says what became of the order: no journal, no risk check."""

from __future__ import annotations

import asyncio
import itertools
import os
from urllib.parse import urlsplit

from ib_async import IB, LimitOrder, Stock
from speak import prepare, serve_async, timed_async

TAKEN = {"PreSubmitted", "Submitted", "Filled"}


async def main() -> None:
    place = urlsplit(os.environ["BROKER_URL"])
    ib = IB()
    await ib.connectAsync(place.hostname or "", place.port or 0, clientId=91)
    (contract,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
    turns = itertools.cycle((("BUY", float(os.environ["ORDER_BUY"])), ("SELL", float(os.environ["ORDER_SELL"]))))

    async def submit(side: str, price: float) -> None:
        trade = ib.placeOrder(contract, LimitOrder(side, 2, price))
        while trade.orderStatus.status not in TAKEN:
            await trade.statusEvent

    async def sequential(count: int) -> dict[str, float]:
        side, price = next(turns)
        return await timed_async(lambda: submit(side, price), count)

    await serve_async({"sequential": sequential}, "ib_async")


prepare(cpu=0)
asyncio.run(main())
