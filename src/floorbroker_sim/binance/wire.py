"""Messages as the venue spells them.  Numbers are text with eight decimals; times are whole milliseconds or microseconds.

https://developers.binance.com/docs/binance-spot-api-docs
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class Instant:
    """A moment of an answer: written in the unit that the client asked for."""

    __slots__ = ("us",)

    def __init__(self, at: datetime) -> None:
        self.us = (at - _EPOCH) // _US


class Encoder:
    """JSON with moments in one unit."""

    def __init__(self, *, micros: bool = False) -> None:
        self._json = msgspec.json.Encoder(enc_hook=_micros if micros else _millis)

    def __call__(self, value: Any) -> bytes:
        return self._json.encode(value)


def _millis(value: object) -> int:
    if isinstance(value, Instant):
        return value.us // 1000
    raise TypeError(f"a {type(value).__name__} has no JSON form here")


def _micros(value: object) -> int:
    return value.us if isinstance(value, Instant) else _millis(value)


MILLIS, MICROS = Encoder(), Encoder(micros=True)
Encode = Callable[[Any], bytes]


def number(value: Decimal) -> str:
    """An amount or price with its eight decimals."""
    return f"{value:.8f}"


class Wire(msgspec.Struct, kw_only=True):
    """Every message; members that do not apply are left out."""


class OrderView(Wire, kw_only=True, rename="camel"):
    """An order as queries show it."""

    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str
    iceberg_qty: str
    time: Instant
    update_time: Instant
    is_working: bool
    working_time: Instant | int
    orig_quote_order_qty: str
    self_trade_prevention_mode: str
    trailing_delta: int | UnsetType = UNSET
    trailing_time: Instant | int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: str | UnsetType = UNSET
    expiry_reason: str | UnsetType = UNSET


class FillView(Wire, kw_only=True, rename="camel"):
    """One execution inside a FULL answer."""

    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class OrderAnswer(Wire, kw_only=True, rename="camel"):
    """The answer to a placement (ACK is the first five members) or to a cancel (with `origClientOrderId`)."""

    symbol: str
    orig_client_order_id: str | UnsetType = UNSET
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: Instant
    price: str | UnsetType = UNSET
    orig_qty: str | UnsetType = UNSET
    executed_qty: str | UnsetType = UNSET
    orig_quote_order_qty: str | UnsetType = UNSET
    cummulative_quote_qty: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    time_in_force: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    side: str | UnsetType = UNSET
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    working_time: Instant | int | UnsetType = UNSET
    fills: list[FillView] | UnsetType = UNSET
    self_trade_prevention_mode: str | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    trailing_time: Instant | int | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    prevented_match_id: int | UnsetType = UNSET
    prevented_quantity: str | UnsetType = UNSET
    expiry_reason: str | UnsetType = UNSET


class AmendedOrder(Wire, kw_only=True, rename="camel"):
    """The order inside the answer to an amendment; its words differ from those of other answers."""

    symbol: str
    order_id: int
    order_list_id: int
    orig_client_order_id: str
    client_order_id: str
    price: str
    qty: str
    executed_qty: str
    prevented_qty: str
    quote_order_qty: str
    cumulative_quote_qty: str
    status: str
    time_in_force: str
    type: str
    side: str
    stop_price: str | UnsetType = UNSET
    iceberg_qty: str | UnsetType = UNSET
    trailing_delta: int | UnsetType = UNSET
    working_time: Instant | UnsetType = UNSET
    strategy_id: int | UnsetType = UNSET
    strategy_type: int | UnsetType = UNSET
    self_trade_prevention_mode: str


class ListedOrder(Wire, kw_only=True, rename="camel"):
    """One order of a list, by its ids."""

    symbol: str
    order_id: int
    client_order_id: str


class ListView(Wire, kw_only=True, rename="camel"):
    """An order list."""

    order_list_id: int
    contingency_type: str
    list_status_type: str | UnsetType = UNSET
    list_order_status: str
    list_client_order_id: str
    transaction_time: Instant | UnsetType = UNSET
    symbol: str
    orders: list[ListedOrder]
    order_reports: list[OrderAnswer] | UnsetType = UNSET


class OwnTrade(Wire, kw_only=True, rename="camel"):
    """One of the account's trades."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: str
    qty: str
    quote_qty: str
    commission: str
    commission_asset: str
    time: Instant
    is_buyer: bool
    is_maker: bool
    is_best_match: bool = True


class PublicTrade(Wire, kw_only=True, rename="camel"):
    """One trade of the market."""

    id: int
    price: str
    qty: str
    quote_qty: str
    time: Instant
    is_buyer_maker: bool
    is_best_match: bool = True


class Report(msgspec.Struct, kw_only=True):
    """`executionReport`: one step of an order.  Members are spelled as on the wire, in the page's order."""

    e: str = "executionReport"
    E: Instant
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    P: str
    F: str
    g: int
    C: str
    x: str
    X: str
    r: str
    i: int
    l: str  # noqa: E741 - the venue's letter
    z: str
    L: str
    n: str
    N: str | None
    T: Instant
    t: int
    v: int | UnsetType = UNSET
    I: int  # noqa: E741 - the venue's letter
    w: bool
    m: bool
    M: bool
    O: Instant  # noqa: E741 - the venue's letter
    Z: str
    Y: str
    Q: str
    W: Instant | UnsetType = UNSET
    V: str
    d: int | UnsetType = UNSET
    D: Instant | int | UnsetType = UNSET
    j: int | UnsetType = UNSET
    J: int | UnsetType = UNSET
    A: str | UnsetType = UNSET
    B: str | UnsetType = UNSET
    u: int | UnsetType = UNSET
    U: int | UnsetType = UNSET
    Cs: str | UnsetType = UNSET
    pl: str | UnsetType = UNSET
    pL: str | UnsetType = UNSET  # noqa: N815 - the venue's letters
    pY: str | UnsetType = UNSET  # noqa: N815 - the venue's letters
    eR: str | UnsetType = UNSET  # noqa: N815 - the venue's letters
