"""`order cancel-all` says which orders it could not cancel, by name and by exit code."""

from __future__ import annotations

from typing import Any

from floorbroker.cli.failures import SOME
from floorbroker.cli.orders import left_open


def _order(name: str, *, is_open: bool, pending_cancel: bool) -> dict[str, Any]:
    return {"id": name, "is_open": is_open, "pending_cancel": pending_cancel}


def test_only_an_open_order_whose_cancel_was_answered_is_left() -> None:
    orders = [
        _order("gone", is_open=False, pending_cancel=False),
        _order("asked", is_open=True, pending_cancel=True),
        _order("refused", is_open=True, pending_cancel=False),
    ]
    assert left_open(orders) == ["refused"]


def test_some_of_several_is_exit_code_10() -> None:
    assert SOME == 10
