"""Two brokers behind one object: orders at both, callbacks, prices with their source, and one account made of two.

Starts the simulators of Alpaca and Binance; no account and no network is needed.

python examples/broker_manager.py
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from floorbroker import BrokerManager, Quote
from floorbroker.gateway.feeds import Tick
from floorbroker.gateway.happenings import OrderFilled

SHARES = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "2"}
COINS = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.01", "time_in_force": "gtc"}
PROFILE = """
[profiles.{name}]
broker = "{code}"
environment = "sim"
url = "{url}"
"""


@contextmanager
def simulator(venue: str) -> Iterator[dict[str, Any]]:
    """A running simulator: the line with which it says where it is."""
    with subprocess.Popen([sys.executable, "-m", "floorbroker_sim", venue], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())
        finally:
            child.terminate()


async def main(home: Path, keys: dict[str, dict[str, str]]) -> None:
    """Buy shares at one broker and coins at the other."""
    async with BrokerManager(home=home, environment="sim", keys=keys) as manager:
        filled, priced = asyncio.Semaphore(0), asyncio.Event()

        def on_filled(told: OrderFilled) -> None:
            print("filled:", told.profile, told.order.terms.symbol, told.order.cum_qty, "at", told.order.avg_px)
            filled.release()

        def on_tick(tick: Tick) -> None:
            if isinstance(tick.event, Quote) and not priced.is_set():
                print("quote:", tick.source, tick.event.symbol, tick.event.bid, tick.event.ask)
                priced.set()

        manager.register_callback("order_filled", on_filled)
        consumer = await manager.subscribe_market_data(["AAPL"], on_tick, profile="alpaca")
        await priced.wait()
        await consumer.close()
        await manager.place_order(SHARES, profile="alpaca")
        await manager.place_order(COINS, profile="binance")
        await filled.acquire()
        await filled.acquire()
        account = await manager.get_consolidated_account()
        print("account:", account.currency, "whole" if account.complete else "partial", "of", len(account.profiles))
        for left in account.unconverted:  # a dollar and a tether are two things, unless one of the brokers quotes them
            if left.what == "equity":
                print("not converted:", left.what, "in", left.currency, "at", left.profile)


if __name__ == "__main__":
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        keys: dict[str, dict[str, str]] = {}
        for venue in ("alpaca", "binance"):
            line = running.enter_context(simulator(venue))
            with (Path(folder) / "floorbroker.toml").open("a") as file:
                file.write(PROFILE.format(name=venue, code=venue.upper(), url=line["rest"]))
            keys[venue] = {name: text for name, text in line["credentials"].items() if name.endswith("_KEY")}
        asyncio.run(main(Path(folder), keys))
