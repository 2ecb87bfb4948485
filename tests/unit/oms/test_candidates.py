"""Which orders of a venue may be one in doubt, by terms, label and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain.facts import Source
from floorbroker.domain.orders import NewOrder, Order, OrderState, StopLoss
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ClOrdId,
    ExecType,
    IntentId,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.oms.candidates import candidates, may_be
from tests.support.fake_broker import Spelling

SENT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TEN, FIFTY = Quantity(Decimal(10)), Price(Decimal(50))
decode = Spelling().decode


def in_doubt(**terms: Any) -> Order:
    wish: dict[str, Any] = {"symbol": "AAPL", "side": Side.BUY, "order_type": OrderType.LIMIT, "order_qty": TEN}
    return Order(
        intent_id=IntentId("mine"), cl_ord_id=ClOrdId("fb-mine"), profile=ProfileName("p"), state=OrderState.UNKNOWN,
        terms=NewOrder(**{**wish, "price": FIFTY, **terms}), ord_status=OrdStatus.PENDING_NEW, order_id=None, order_ids=(),
        order_qty=TEN, price=FIFTY, stop_px=None, cum_qty=Quantity(Decimal(0)), leaves_qty=TEN, avg_px=None, executions=(),
        created_at=SENT, updated_at=SENT, version=1,
    )  # fmt: skip


SEEN = ExecutionReport(
    exec_type=ExecType.ORDER_STATUS, source=Source.QUERY, at=SENT + timedelta(hours=1), order_id=OrderId("7"),
    symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=TEN, price=FIFTY,
    transact_time=SENT + timedelta(hours=1), made_at=SENT + timedelta(seconds=1),
)  # fmt: skip


@pytest.mark.parametrize(
    "there",
    [
        {},
        {"cl_ord_id": ClOrdId("mangled")},
        {"cl_ord_id": ClOrdId("fb-mine")},
        {"made_at": None},
        {"order_type": None, "unrecognised": "type quantum"},
        {"side": None, "unrecognised": "side quantum"},
    ],
)
def test_what_is_not_said_or_not_understood_excludes_nothing(there: dict[str, Any]) -> None:
    assert may_be(in_doubt(), replace(SEEN, **there), decode=decode)


@pytest.mark.parametrize(
    "there",
    [
        {"cl_ord_id": ClOrdId("fb-another")},
        {"order_id": None},
        {"parent_order_id": OrderId("6")},
        {"symbol": "MSFT"},
        {"side": Side.SELL},
        {"order_type": None},
        {"order_qty": Quantity(Decimal(11))},
        {"price": None},
        {"stop_px": FIFTY},
        {"made_at": SENT - timedelta(minutes=1)},
        {"made_at": SENT + timedelta(minutes=6)},
        {"made_at": None, "transact_time": SENT - timedelta(minutes=1)},
    ],
)
def test_another_label_other_terms_or_another_time_is_another_order(there: dict[str, Any]) -> None:
    assert not may_be(in_doubt(), replace(SEEN, **there), decode=decode)


def test_the_limit_of_an_oco_is_that_of_its_profit_exit() -> None:
    stop = StopLoss(stop_px=Price(Decimal(45)))
    order = in_doubt(order_class=OrderClass.OCO, price=None, take_profit=FIFTY, stop_loss=stop)
    assert may_be(order, replace(SEEN, order_class=OrderClass.OCO), decode=decode)


def test_a_multi_leg_order_is_known_by_its_net_price_however_its_units_are_counted() -> None:
    order = in_doubt(order_class=OrderClass.MULTILEG, price=Price(Decimal("-0.4")))
    there = replace(SEEN, order_class=OrderClass.MULTILEG, order_qty=Quantity(Decimal(5)), price=Price(Decimal("-0.4")))
    assert may_be(order, there, decode=decode)
    assert not may_be(order, replace(there, price=Price(Decimal("0.4"))), decode=decode)


def test_each_order_of_the_venue_is_one_candidate_as_it_was_last_told() -> None:
    later = replace(SEEN, cum_qty=TEN)
    other = replace(SEEN, order_id=OrderId("8"))
    assert candidates(in_doubt(), [other, SEEN, later], decode=decode) == (later, other)
