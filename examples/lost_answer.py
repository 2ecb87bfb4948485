"""An answer gets lost, and the desk finds out what happened instead of sending again.

Starts Alpaca's simulator, makes it swallow the reply to one order, and compares both sides afterwards.

python examples/lost_answer.py
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import httpx2

from floorbroker import Gateway, Order, OrderSchema
from floorbroker.domain.values import Environment, IntentId
from floorbroker.gateway.desk import Caller, Desk

ME = Caller(principal="example", via="library")
LOSE_ONE = {"where": "reply", "what": "drop", "when": {"nth": 1}, "match": {"method": "POST", "path": "/v2/orders"}}


async def known(desk: Desk, intent_id: IntentId) -> Order:
    """The order once the desk has found out what became of it."""
    async for _ in desk.events(after=0):
        order = desk.order(intent_id)
        if not order.in_doubt:
            return order
    raise RuntimeError("the desk was closed")


async def main(line: dict[str, Any]) -> None:
    """One order whose reply never comes; it is there exactly once."""
    os.environ |= line["credentials"]  # the eight agnostic BROKER_* names; loopback makes it environment sim
    async with httpx2.AsyncClient(base_url=line["control"], trust_env=False) as venue:
        with tempfile.TemporaryDirectory() as home:
            async with Gateway.open(home=home, profiles=["alpaca-sim"], environment=Environment.SIM) as desk:
                (await venue.post("/faults", json={"faults": [LOSE_ONE]})).raise_for_status()
                wish = OrderSchema.model_validate({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"})
                order = (await desk.submit(wish.to_order(), profile=None, caller=ME)).order
                if order.in_doubt:
                    print("no answer came:", order.ord_status.value, *order.evidence)
                    order = await known(desk, order.intent_id)
                print("the answer was lost, the order is known:", order.ord_status.value, order.cum_qty)
                print("orders at the venue:", len((await venue.get("/orders")).json()))


if __name__ == "__main__":
    command = [sys.executable, "-m", "floorbroker_sim", "alpaca"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        try:
            asyncio.run(main(json.loads(simulator.stdout.readline())))
        finally:
            simulator.terminate()
