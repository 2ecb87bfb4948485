"""The life of an order over REST, with the typed client.

floorbroker up                    # in one terminal
python examples/rest_client.py    # in another; --home and --url when they are not the default
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from floorbroker.app.home import Home
from floorbroker.client import DeskClient, NoAnswer, Refused, Unreachable
from floorbroker.client.desk import URL, new_key


async def main(home: Home, url: str) -> None:
    """Rest an order far below the market, change it, cancel it; then be refused on purpose."""
    token = home.setup_token.read_text("ascii").strip()
    async with DeskClient.open(token=token, url=url, environment="paper") as desk:
        bid = (await desk.quote("AAPL", "paper")).bid
        assert bid is not None
        limit = str((bid * 96 / 100).quantize(bid))
        order = {
            "symbol": "AAPL",
            "side": "buy",
            "type": "limit",
            "quantity": "10",
            "limit_price": limit,
            "profile": "paper",
        }
        key = new_key()
        try:
            placed = await desk.submit(order, key=key)
        except NoAnswer:
            # It may have arrived. The same order under the same key returns what became of it.
            placed = await desk.submit(order, key=key)
        print("placed", placed.ord_status, placed.limit_price)
        changed = await desk.modify(placed.id, {"quantity": "5"})
        print("changed", changed.quantity)
        print("cancelled", (await desk.cancel(placed.id)).ord_status)
        try:
            await desk.submit({**order, "quantity": "1000000"})
        except Refused as no:
            print("refused", no.problem.code, no.problem.control)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--url", default=URL)
    given = parser.parse_args()
    try:
        asyncio.run(main(Home.at(given.home), given.url))
    except (Unreachable, FileNotFoundError) as error:
        raise SystemExit(f"start a desk first, with floorbroker up: {error}") from error
