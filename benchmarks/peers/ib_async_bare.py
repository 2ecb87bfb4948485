"""ib_async's `placeOrder` until the program says what became of the order: no journal, no risk check."""

from __future__ import annotations

import asyncio
import itertools
import os
from urllib.parse import urlsplit

from ib_async import IB, LimitOrder, Stock
from speak import paced, prepare, serve_async

TAKEN = {"PreSubmitted", "Submitted", "Filled"}


async def main() -> None:
    place = urlsplit(os.environ["BROKER_URL"])
    ib = IB()
    await ib.connectAsync(place.hostname or "", place.port or 0, clientId=91)
    (contract,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
    turns = itertools.cycle((("BUY", float(os.environ["ORDER_BUY"])), ("SELL", float(os.environ["ORDER_SELL"]))))

    async def submit() -> None:
        trade = ib.placeOrder(contract, LimitOrder(*_terms(next(turns))))
        while trade.orderStatus.status not in TAKEN:
            await trade.statusEvent

    await serve_async({"paced": lambda count: paced(submit, count, float(os.environ["ORDER_PAUSE_S"]))}, "ib_async")


def _terms(turn: tuple[str, float]) -> tuple[str, float, float]:
    side, price = turn
    return side, 2, price


prepare(cpu=0)
asyncio.run(main())
