"""What the log of an account has told of its orders: their terms, what they filled, which trades they opened.

The log tells terms once, when an order is made; later entries name the order alone.  Learning an entry again changes nothing, so
stream, answers and history all teach the same ledger.  Of very many, the oldest are forgotten: they can be read again.
Document: developer.oanda.com/rest-live-v20/transaction-df.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.exits import promised_id, promises
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.orders import TIFS
from floorbroker.brokers.oanda.mapping.units import side_of
from floorbroker.brokers.oanda.mapping.values import (
    from_wire_symbol,
    lenient_moment,
    number,
    number_of,
    price,
    quantity,
    written,
)
from floorbroker.domain.values import ZERO, OrderId, OrderType, Price, Quantity, Side, TimeInForce, total_of

_KEPT_MAX = 50_000
_ORDER = "_ORDER"
FILL, CANCEL = "ORDER_FILL", "ORDER_CANCEL"
ON_FILL = "ON_FILL"

ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "FIXED_PRICE": OrderType.MARKET,  # made by the venue itself
    "LIMIT": OrderType.LIMIT,
    "STOP": OrderType.STOP,
    "MARKET_IF_TOUCHED": OrderType.MARKET_IF_TOUCHED,
    "TAKE_PROFIT": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "GUARANTEED_STOP_LOSS": OrderType.STOP,
    "TRAILING_STOP_LOSS": OrderType.TRAILING_STOP,
}
OF_A_TRADE = frozenset({"TAKE_PROFIT", "STOP_LOSS", "GUARANTEED_STOP_LOSS", "TRAILING_STOP_LOSS"})
TIMES_IN_FORCE: dict[str, TimeInForce] = {there: ours for ours, there in TIFS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One order as it was made.  `replaces` is the venue order it goes on for, `parent` the entry whose exit it is."""

    order_id: str
    kind: str
    tif_word: str
    client_id: str | None = None
    symbol: str = ""
    side: Side | None = None
    order_qty: Quantity | None = None
    price: Price | None = None
    stop_px: Price | None = None
    trail_amount: Price | None = None
    trade_id: str | None = None
    replaces: str | None = None
    parent: str | None = None
    made_at: datetime | None = None
    exits: tuple[tuple[str, Decimal | None], ...] = ()

    @property
    def order_type(self) -> OrderType | None:
        return ORDER_TYPES.get(self.kind)

    @property
    def tif(self) -> TimeInForce | None:
        return TIMES_IN_FORCE.get(self.tif_word)

    @property
    def is_of_a_trade(self) -> bool:
        return self.kind in OF_A_TRADE

    def promised(self, kind: str) -> OrderId:
        return promised_id(self.order_id, kind)


@dataclass(slots=True)
class Trade:
    """A trade: the order that opened it, of what, how many signed units it had after the entry `known_at`, and what later
    entries took from them.
    """

    order_id: str
    symbol: str
    units: Decimal
    known_at: int
    taken: dict[int, Decimal]

    @property
    def left(self) -> Decimal:
        """Signed units, as far as the log was read."""
        taken = total_of(units for number, units in self.taken.items() if number > self.known_at)
        return self.units - taken.copy_sign(self.units) if taken < abs(self.units) else ZERO


class Ledger:
    """Everything above, of one account."""

    def __init__(self) -> None:
        self._terms: dict[str, Terms] = {}
        self._fills: dict[str, Decimal] = {}
        self._trades: dict[str, Trade] = {}
        self._names: dict[str, str] = {}
        self._filled_in: dict[str, str] = {}  # the last order that filled in a batch
        self._identity = OandaIdentity()

    def learn(self, entry: wire.Transaction) -> None:
        """Take note of an entry; entries of one batch come in their order."""
        if entry.type == FILL:
            self._filled(entry)
        elif kind := kind_of(entry):
            self._made(entry, kind)

    def terms(self, order_id: str | None) -> Terms | None:
        return self._terms.get(order_id or "")

    def trade(self, trade_id: str | None) -> Trade | None:
        return self._trades.get(trade_id or "")

    def stands(self, trade_id: str, units: Decimal, *, known_at: int) -> None:
        """What the venue says a trade has, after the entry of that number."""
        trade = self._trades.get(trade_id)
        if trade is not None and known_at >= trade.known_at:
            trade.units, trade.known_at = units, known_at

    def closing(self, terms: Terms) -> Quantity | None:
        """How many units an order of a trade closes: all that the trade has; None where that is not known.

        One of ours was asked for with a quantity, and keeps it.
        """
        trade = self.trade(terms.trade_id)
        is_ours = self._identity.decode(terms.client_id or "") is not None
        return None if trade is None or is_ours or not trade.left else quantity(trade.left)

    def chain(self, order_id: str | None) -> list[Terms]:
        """An order and those that it goes on for, as far as they are known, the first of them first."""
        found: list[Terms] = []
        terms = self.terms(order_id)
        while terms is not None and terms not in found:
            found.append(terms)
            terms = self.terms(terms.replaces)
        return found[::-1]

    def filled(self, order_id: str | None) -> Decimal | None:
        """Units that an order filled, as far as the log was read; an order of this venue fills once."""
        return self._fills.get(order_id or "")

    def named(self, client_id: str) -> str | None:
        """The last order that was made under a client id."""
        return self._names.get(client_id)

    def filled_before(self, order_id: str) -> Decimal:
        """Units that the forerunners of an order filled."""
        return total_of(self._fills.get(one.order_id, ZERO) for one in self.chain(order_id)[:-1])

    def _filled(self, entry: wire.Transaction) -> None:
        units = number(entry.units, what="a quantity")
        if entry.order_id is None or units is None:
            return
        if entry.batch_id is not None:
            self._filled_in[entry.batch_id] = entry.order_id
            _forget(self._filled_in)
        self._fills[entry.order_id] = abs(units)
        _forget(self._fills)
        at = number_of(entry.id)
        for part in (*(entry.trades_closed or ()), entry.trade_reduced):
            if part is not None and (trade := self._trades.get(part.trade_id)) is not None:
                trade.taken[at] = abs(number(part.units, what="a quantity") or ZERO)
        opened = entry.trade_opened
        if opened is not None and opened.trade_id not in self._trades:
            units = number(opened.units, what="a quantity") or ZERO
            self._trades[opened.trade_id] = Trade(entry.order_id, from_wire_symbol(entry.instrument), units, at, {})
            _forget(self._trades)

    def _made(self, entry: wire.Transaction, kind: str) -> None:
        terms = _of_a_trade(entry, kind) if kind in OF_A_TRADE else _entry(entry, kind)
        terms = self._with_trade(terms, entry) if kind in OF_A_TRADE else self._with_forerunner(terms, entry)
        self._terms[entry.id] = terms
        _forget(self._terms)
        if terms.client_id is not None:
            self._names[terms.client_id] = entry.id
            _forget(self._names)

    def _with_trade(self, terms: Terms, entry: wire.Transaction) -> Terms:
        """What its trade says of an order: all of it is closed, on the other side."""
        trade, before = self.trade(entry.trade_id), self.terms(terms.replaces)
        if trade is None or trade.units == 0:
            return terms
        is_child = entry.reason == ON_FILL and entry.order_fill_transaction_id is not None
        parent = trade.order_id if is_child else before.parent if before is not None else None
        return replace(terms, symbol=trade.symbol, side=side_of(-trade.units), parent=parent)

    def _with_forerunner(self, terms: Terms, entry: wire.Transaction) -> Terms:
        """The rest of an order that filled in part is made anew, in the batch of the fill, and names no forerunner."""
        before = self._filled_in.get(entry.batch_id or "")
        is_rest = terms.replaces is None and terms.kind != "MARKET" and entry.id not in (entry.batch_id, before)
        return replace(terms, replaces=before) if is_rest and before is not None else terms


def kind_of(entry: wire.Transaction) -> str:
    """`LIMIT` of a `LIMIT_ORDER`; empty for what makes no order."""
    return entry.type.removesuffix(_ORDER) if entry.type.endswith(_ORDER) and entry.type != _ORDER else ""


def client_id_of(entry: wire.Transaction, identity: OandaIdentity) -> str | None:
    """The client id of an order: its extensions', or that of the request which closed a trade, where it is one of ours.

    Whatever else a request caused bears the request's id too, and is another order.
    """
    if entry.client_extensions is not None and entry.client_extensions.id:
        return entry.client_extensions.id
    asked_as = (entry.request_id or "") if entry.trade_close is not None else ""
    return asked_as if identity.decode(asked_as) is not None else None


_IDENTITY = OandaIdentity()


def _entry(entry: wire.Transaction, kind: str) -> Terms:
    units = number(entry.units, what="a quantity")
    at = price(entry.price)
    is_limit = ORDER_TYPES.get(kind) is OrderType.LIMIT
    return Terms(
        order_id=entry.id,
        kind=kind,
        tif_word=entry.time_in_force or "",
        client_id=client_id_of(entry, _IDENTITY),
        symbol=from_wire_symbol(entry.instrument),
        side=None if not units else side_of(units),
        order_qty=quantity(entry.units),
        price=at if is_limit else None,
        stop_px=None if is_limit or kind in ("MARKET", "FIXED_PRICE") else at,
        replaces=entry.replaces_order_id,
        made_at=lenient_moment(entry.time),
        exits=tuple((name, written(terms.price)) for name, terms in promises(entry)),
    )


def _of_a_trade(entry: wire.Transaction, kind: str) -> Terms:
    at = price(entry.price)
    is_limit = ORDER_TYPES.get(kind) is OrderType.LIMIT
    return Terms(
        order_id=entry.id,
        kind=kind,
        tif_word=entry.time_in_force or "",
        client_id=client_id_of(entry, _IDENTITY),
        price=at if is_limit else None,
        stop_px=None if is_limit or kind == "TRAILING_STOP_LOSS" else at,
        trail_amount=price(entry.distance) if kind == "TRAILING_STOP_LOSS" else None,
        trade_id=entry.trade_id,
        replaces=entry.replaces_order_id,
        made_at=lenient_moment(entry.time),
    )


def _forget(
    kept: dict[str, object] | dict[str, Decimal] | dict[str, Terms] | dict[str, Trade] | dict[str, str],
) -> None:
    while len(kept) > _KEPT_MAX:
        del kept[next(iter(kept))]
