"""Whose rows are believed, whose order an execution is of, and what happens when the log-in changes hands."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web.mapping.identity import IbkrWebIdentity
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, ConfigInvalid
from floorbroker.domain.ids import by_name
from floorbroker.domain.orders import OrderChanges, StopLoss
from floorbroker.domain.values import ExecType, OrderClass, OrdStatus, Price
from tests.unit.brokers.ibkr_web.fakes import (
    ACCOUNT,
    CL_ORD_ID,
    NOW,
    OPEN,
    VENUE_ID,
    Gateway,
    approved,
    broker,
    limit_order,
    payload,
    ref,
)

pytestmark = pytest.mark.asyncio
LIVE = "/iserver/account/orders"
TRADES = "/iserver/account/trades"
STATUS = f"/iserver/account/order/status/{VENUE_ID}"
DAY = timedelta(days=1)
OTHER = "DU999999"


async def connected(gateway: Gateway, **more: Any) -> Any:
    venue = broker(gateway, **more)
    await venue.connect()
    return venue


async def test_an_execution_of_an_order_that_no_list_shows_is_that_orders_by_our_own_id() -> None:
    """Midnight took the order out of the lists, and the reply to it was lost before."""
    gateway = Gateway()
    gateway.set(LIVE, {"orders": [], "snapshot": True})
    gateway.set(TRADES, payload("trades")[:1])
    venue = await connected(gateway)
    (fill,) = (await venue.get_fills(NOW - DAY)).items
    assert (fill.exec_type, fill.cl_ord_id, fill.order_id) == (ExecType.TRADE, CL_ORD_ID, by_name(CL_ORD_ID))
    assert fill.unrecognised is None
    assert IbkrWebIdentity().decode(str(fill.cl_ord_id)) is not None
    await venue.disconnect()


async def test_what_the_desk_knows_of_an_order_names_its_executions() -> None:
    gateway = Gateway()
    gateway.set(LIVE, {"orders": [], "snapshot": True})
    gateway.set(TRADES, payload("trades")[:1])
    venue = await connected(gateway)
    await venue.get_order_status(ref())
    (fill,) = (await venue.get_fills(NOW - DAY)).items
    assert (fill.cl_ord_id, fill.order_id) == (CL_ORD_ID, VENUE_ID)
    await venue.disconnect()


async def test_a_stand_in_for_an_id_is_never_asked_for_at_the_venue() -> None:
    gateway = Gateway()
    venue = await connected(gateway)
    (found,) = await venue.get_order_status(ref(order_id=by_name(CL_ORD_ID)))
    assert found.order_id == VENUE_ID
    await venue.cancel_order(ref(order_id=by_name(CL_ORD_ID)))
    assert gateway.paths("/order/")[-1] == f"DELETE /iserver/account/{ACCOUNT}/order/{VENUE_ID}"
    await venue.disconnect()


async def test_an_execution_under_the_name_of_others_is_nobodys() -> None:
    gateway = Gateway()
    gateway.set(LIVE, {"orders": [], "snapshot": True})
    gateway.set(TRADES, [{**payload("trades")[0], "order_ref": "by hand"}])
    venue = await connected(gateway)
    (fill,) = (await venue.get_fills(NOW - DAY)).items
    assert (fill.cl_ord_id, fill.order_id) == (None, None)
    await venue.disconnect()


async def test_rows_of_other_accounts_are_passed_over() -> None:
    gateway = Gateway()
    theirs = {"acct": OTHER, "account": OTHER, "accountCode": OTHER, "acctId": OTHER}
    rows, trades, held = payload("live_orders")["orders"], payload("trades"), payload("positions")
    gateway.set(LIVE, {"orders": [], "snapshot": True}, {"orders": [rows[0] | theirs, rows[1]], "snapshot": True})
    gateway.set(TRADES, [trades[0] | theirs, trades[1]])
    gateway.set(f"/portfolio/{ACCOUNT}/positions/0", [held[0] | theirs, held[1]])
    venue = await connected(gateway)
    assert [one.order_id for one in (await venue.get_order_history(NOW)).items] == ["987654300"]
    assert [one.exec_version for one in (await venue.get_fills(NOW - DAY)).items] == [2]
    assert [one.qty for one in (await venue.get_positions()).items] == [-2]
    gateway.set(STATUS, {**payload("order_status"), "account": OTHER})
    assert await venue.get_order_status(ref()) == ()
    with pytest.raises(ApiError, match="another account"):
        await venue.modify_order(ref(), OrderChanges(price=Price(Decimal(151))), cl_ord_id=CL_ORD_ID, decided_at=0.0)
    await venue.disconnect()


async def test_a_gateway_that_is_logged_in_to_another_account_is_refused_until_it_is_back() -> None:
    gateway, clock = Gateway(), ManualClock(NOW)
    venue = await connected(gateway, clock=clock)
    gateway.set("/tickle", {"session": "another", "iserver": {"authStatus": OPEN}})
    gateway.set("/iserver/accounts", {**payload("accounts"), "accounts": [OTHER], "selectedAccount": OTHER})
    await clock.advance(10)
    with pytest.raises(ConfigInvalid, match="another account"):
        await venue.get_open_orders()
    assert not venue.is_connected()
    gateway.set("/iserver/accounts", payload("accounts"))
    await clock.advance(10)
    await venue.get_open_orders()
    assert venue.is_connected()
    await venue.disconnect()


async def test_a_child_seen_before_the_reply_to_its_group_is_not_taken_for_the_head() -> None:
    gateway = Gateway()
    row = payload("live_orders")["orders"][0]
    child = {**row, "orderId": 12, "side": "SELL", "status": "PreSubmitted", "filledQuantity": 0}
    head = {**row, "orderId": 10}
    gateway.set(LIVE, {"orders": [], "snapshot": True}, {"orders": [child, head], "snapshot": True})
    venue = await connected(gateway)
    reports = (await venue.get_order_history(NOW)).items
    assert [(one.order_id, one.cl_ord_id, one.parent_order_id) for one in reports] == [
        ("12", None, "10"),
        ("10", CL_ORD_ID, None),
    ]
    assert [one.ord_status for one in reports] == [OrdStatus.HELD, OrdStatus.PARTIALLY_FILLED]
    lines = [{"order_id": str(number), "order_status": "PreSubmitted"} for number in (9, 11, 12)]
    gateway.set(f"/iserver/account/{ACCOUNT}/orders", lines)
    order = limit_order(
        order_class=OrderClass.BRACKET,
        take_profit=Price(Decimal(190)),
        stop_loss=StopLoss(stop_px=Price(Decimal(140))),
    )
    placed = await venue.submit_order(approved(order))
    assert [(one.order_id, one.cl_ord_id, one.parent_order_id) for one in placed] == [
        ("9", CL_ORD_ID, None),
        ("11", None, "9"),
        ("12", None, "9"),
    ]
    await venue.disconnect()
