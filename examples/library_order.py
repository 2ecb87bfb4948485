"""One order through the library: no server, no account; the embedded paper venue fills it.

python examples/library_order.py
"""

from __future__ import annotations

import asyncio
import tempfile

from floorbroker import Gateway, OrderSchema
from floorbroker.gateway.desk import Caller

ME = Caller(principal="example", via="library")


async def main() -> None:
    """Buy ten shares, and look at what is held then."""
    with tempfile.TemporaryDirectory() as home:
        async with Gateway.open(home=home, profiles=["paper"]) as desk:
            wish = OrderSchema.model_validate({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"})
            # The key makes a repeat harmless: the same key never places a second order.
            placed = await desk.submit(
                wish.to_order(), profile=None, caller=ME, key="example-1", body_hash=wish.digest()
            )
            print(placed.order.ord_status.value, placed.order.cum_qty, "at", placed.order.avg_px)
            for held in await desk.positions():
                print(held.profile, held.position.symbol, held.position.qty)


if __name__ == "__main__":
    asyncio.run(main())
