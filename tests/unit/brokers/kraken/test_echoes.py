"""What the venue echoes of an order is the order we meant, over both doors, whatever the order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.entry import order_members
from floorbroker.brokers.kraken.mapping.executions import execution_report
from floorbroker.brokers.kraken.mapping.orders import order_params
from floorbroker.brokers.kraken.mapping.reports import Heard, order_report
from floorbroker.brokers.kraken.mapping.symbols import Symbols
from floorbroker.brokers.kraken.stream.pulse import request
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import OrderType, Price, Quantity, Side, TimeInForce
from tests.unit.brokers.kraken.fakes import CL_ORD_ID, NOW

HEARD = Heard(source=Source.QUERY, at=NOW, asked_at=NOW)
SYMBOLS = Symbols()
LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
TRIGGERED = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)

amounts = st.decimals(min_value="0.00000001", max_value="99999999", places=8)
prices = st.decimals(min_value="0.0000001", max_value="9999999", places=7)


@st.composite
def orders(draw: st.DrawFn) -> NewOrder:
    kind = draw(st.sampled_from(list(OrderType)))
    side = draw(st.sampled_from(Side))
    by_money = kind is OrderType.MARKET and side is Side.BUY and draw(st.booleans())
    by_amount = draw(st.booleans())
    size = draw(amounts)
    tif = draw(st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTD]))
    return NewOrder(
        symbol=draw(st.sampled_from(["BTC/USD", "ETH/EUR", "DOGE/USD", "SOL/USDT", "ETH/BTC", "XTZ/USD"])),
        side=side,
        order_type=kind,
        order_qty=None if by_money else Quantity(size),
        notional=size if by_money else None,
        price=Price(draw(prices)) if kind in LIMITED else None,
        stop_px=Price(draw(prices)) if kind in TRIGGERED else None,
        trail_amount=Price(draw(prices)) if kind is OrderType.TRAILING_STOP and by_amount else None,
        trail_percent=draw(prices) if kind is OrderType.TRAILING_STOP and not by_amount else None,
        tif=TimeInForce.GTC if kind is OrderType.MARKET else tif,
        expire_at=NOW + timedelta(days=draw(st.integers(1, 300))) if tif is TimeInForce.GTD else None,
    )


def back(report: ExecutionReport, order: NewOrder) -> NewOrder:
    """The order that a report describes; what reports do not carry is taken from the order itself."""
    return NewOrder(
        symbol=report.symbol,
        side=report.side or order.side.opposite,
        order_type=report.order_type or OrderType.MARKET,
        order_qty=report.order_qty,
        notional=report.notional,
        price=report.price,
        stop_px=report.stop_px,
        trail_amount=report.trail_amount,
        trail_percent=report.trail_percent,
        tif=report.tif or TimeInForce.DAY,
        expire_at=order.expire_at,
    )


@given(orders())
def test_an_order_in_a_listing_is_the_order_we_meant(order: NewOrder) -> None:
    params = order_params(order, CL_ORD_ID)
    descr = {
        "pair": SYMBOLS.to_rest(order.symbol), "type": params["type"], "ordertype": params["ordertype"],
        "price": params.get("price", "0"), "price2": params.get("price2", "0"),
    }  # fmt: skip
    told: dict[str, Any] = {
        "status": "open", "descr": descr, "vol": params["volume"], "vol_exec": "0", "oflags": params["oflags"],
        "timeinforce": params.get("timeinforce", "GTC"), "cl_ord_id": CL_ORD_ID,
    }  # fmt: skip
    found = order_report("O1", msgspec.json.decode(json.dumps(told).encode(), type=wire.Order), HEARD, SYMBOLS)
    assert found.unrecognised is None
    assert back(found, order) == order


@given(orders())
def test_an_order_on_the_stream_is_the_order_we_meant(order: NewOrder) -> None:
    sent = msgspec.json.decode(request("add_order", order_members(order, CL_ORD_ID)), type=dict[str, msgspec.Raw])[
        "params"
    ]
    event = msgspec.json.decode(
        b'{"order_id":"O1","exec_type":"new","order_status":"new","symbol":"'
        + order.symbol.encode()
        + b'",'
        + bytes(sent)[1:],
        type=wire.Execution,
    )
    found = execution_report(event, datetime(2026, 3, 2, tzinfo=UTC))
    assert found.unrecognised is None
    assert back(found, order) == (order if found.tif else NewOrder(**{**vars_of(order), "tif": TimeInForce.DAY}))
    assert all(value is None or isinstance(value, Decimal) for value in (found.price, found.stop_px, found.order_qty))


def vars_of(order: NewOrder) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__dataclass_fields__}
