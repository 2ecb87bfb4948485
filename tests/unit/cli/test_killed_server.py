"""`kill -9` in the middle: what the server acknowledged is there afterwards, once."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.unit.cli.running import Server, served


def order(number: int) -> dict[str, Any]:
    """Every third order rests; the others are filled at once."""
    resting = {"type": "limit", "limit_price": "210", "time_in_force": "gtc"} if number % 3 == 0 else {"type": "market"}
    return {"symbol": "AAPL", "side": "buy", "quantity": str(number + 1), "client_tag": f"tag-{number}", **resting}


def submit_until_killed(
    server: Server, acknowledged: dict[int, dict[str, Any]], asked: list[int], *, kill_after: int
) -> None:
    """Send orders one after the other; the server dies while one is on its way."""
    for number in itertools.count():
        if number == kill_after:
            threading.Thread(target=server.process.send_signal, args=[signal.SIGKILL]).start()
        asked.append(number)
        try:
            reply = server.ask("POST", "/orders", json=order(number), headers={"Idempotency-Key": f"key-{number}"})
        except httpx2.TransportError:
            return
        assert reply.status_code in {201, 202}, reply.text
        acknowledged[number] = reply.json()


def settled(server: Server) -> list[dict[str, Any]]:
    """The orders once none is in doubt any more."""
    until = time.monotonic() + 30
    while True:
        found = server.items("/orders")
        if not any(o["in_doubt"] or o["ord_status"] in {"pending_new", "unknown"} for o in found):
            return found
        assert time.monotonic() < until, f"still in doubt: {[o for o in found if o['in_doubt']]}"


@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [1, 8])
def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(tmp_path: Path, kill_after: int) -> None:
    acknowledged, asked = dict[int, dict[str, Any]](), list[int]()
    with served(tmp_path) as server:
        submit_until_killed(server, acknowledged, asked, kill_after=kill_after)
        assert server.process.wait(timeout=20) == -signal.SIGKILL
    with served(tmp_path) as server:
        orders = settled(server)
        by_id = {found["id"]: found for found in orders}
        tags = [found["client_tag"] for found in orders]
        assert len(tags) == len(set(tags)), "an order is there twice"
        assert set(tags) <= {f"tag-{number}" for number in asked}
        for number, told in acknowledged.items():
            assert by_id[told["id"]]["client_tag"] == f"tag-{number}"
            assert Decimal(by_id[told["id"]]["cum_qty"]) >= Decimal(told["cum_qty"])
        assert_books_agree(server, orders)
        assert_keys_still_answer(server, acknowledged)


def assert_books_agree(server: Server, orders: list[dict[str, Any]]) -> None:
    """Fills are unique, add up to the orders, and to the position that the venue tells."""
    fills = server.items("/fills")
    assert len({fill["exec_id"] for fill in fills}) == len(fills)
    for found in orders:
        assert sum(Decimal(f["quantity"]) for f in fills if f["id"] == found["id"]) == Decimal(found["cum_qty"])
    held = sum(Decimal(position["quantity"]) for position in server.items("/positions"))
    assert held == sum(Decimal(fill["quantity"]) for fill in fills)


def assert_keys_still_answer(server: Server, acknowledged: dict[int, dict[str, Any]]) -> None:
    """A client that repeats its request gets the same order, and nothing new."""
    for number, told in acknowledged.items():
        again = server.ask("POST", "/orders", json=order(number), headers={"Idempotency-Key": f"key-{number}"})
        assert again.json()["id"] == told["id"]
        assert again.headers["Idempotency-Replayed"] == "true"
