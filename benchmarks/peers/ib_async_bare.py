"""ib_async's `placeOrder` until the program says what became of the order: no journal, no risk check."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit

from ib_async import IB, LimitOrder, Stock
from speak import prepare, serve_async, timed_async

TAKEN = {"PreSubmitted", "Submitted", "Filled"}


async def main() -> None:
    place = urlsplit(os.environ["BROKER_URL"])
    ib = IB()
    ib.client.MaxRequests = 0  # its own pacing, which the bench lifts on both sides
    await ib.connectAsync(place.hostname or "", place.port or 0, clientId=91)
    (contract,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))

    async def submit() -> None:
        trade = ib.placeOrder(contract, LimitOrder("BUY", 2, 150.25))
        while trade.orderStatus.status not in TAKEN:
            await trade.statusEvent

    await serve_async({"sequential": lambda count: timed_async(submit, count)}, "ib_async")


prepare(cpu=0)
asyncio.run(main())
