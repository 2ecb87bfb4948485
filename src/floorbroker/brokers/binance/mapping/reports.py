"""What Binance says about orders, as execution reports: by status where we asked, by execution type where it tells.

Tables: developers.binance.com/docs/binance-spot-api-docs/enums.  A word outside its table goes into `unrecognised`, and then
the report claims no status.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.families import Families, Seen, replaced_by_cancel, replaces_of
from floorbroker.brokers.binance.mapping.identity import class_of_leg
from floorbroker.brokers.binance.mapping.successors import Successors
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.terms import Terms
from floorbroker.brokers.binance.mapping.values import (
    exec_id_of,
    moment,
    moment_needed,
    needed,
    number,
    order_id_of,
    positive,
    price_of,
    quantity_of,
    word,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ClOrdId,
    ExecType,
    Money,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

Reports = tuple[ExecutionReport, ...]

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
ORDER_TYPES = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.MARKET_IF_TOUCHED,
    "TAKE_PROFIT_LIMIT": OrderType.LIMIT_IF_TOUCHED,
}
TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
STATUSES = {
    "NEW": OrdStatus.NEW,
    "PENDING_NEW": OrdStatus.HELD,  # the exit of a list whose entry is not filled yet
    "PARTIALLY_FILLED": OrdStatus.PARTIALLY_FILLED,
    "FILLED": OrdStatus.FILLED,
    "CANCELED": OrdStatus.CANCELED,
    "PENDING_CANCEL": OrdStatus.PENDING_CANCEL,
    "REJECTED": OrdStatus.REJECTED,
    "EXPIRED": OrdStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrdStatus.EXPIRED,  # it met another order of the same account
}
EXEC_TYPES = {
    "NEW": ExecType.NEW,
    "CANCELED": ExecType.CANCELED,
    "REPLACED": ExecType.REPLACED,
    "REJECTED": ExecType.REJECTED,
    "TRADE": ExecType.TRADE,
    "EXPIRED": ExecType.EXPIRED,
    "TRADE_PREVENTION": ExecType.ORDER_STATUS,  # self-trade prevention took from it; the status tells how it stands
}
_TIFS = frozenset({*TIMES_IN_FORCE, ""})  # some answers have none
_CENT_OF_PERCENT = Decimal("0.01")
_NO_REASON = frozenset({"", "NONE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes reports; `families`, `successors` and `terms` hear every message, `symbols` spells them."""

    symbols: Symbols
    families: Families
    terms: Terms = field(default_factory=Terms)
    successors: Successors = field(default_factory=Successors)

    # -- answers ------------------------------------------------------------------------------------------------------

    def order(self, told: wire.Order, heard: Heard) -> ExecutionReport:
        """Where an order stands, from any answer about it."""
        client_id = told.orig_client_order_id or told.client_order_id  # of a cancel, the first is the order's own
        if told.status != "REJECTED":
            self.families.learn([Seen(told.symbol, told.order_id, client_id)])
            self.learn_link(told)
        self.terms.hear(told)
        odd = _odd(told.status, told.side, told.type, told.time_in_force)
        by_money = positive(told.orig_quote_order_qty)
        executed = quantity_of(told.executed_qty)
        return ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            ord_status=None if odd else STATUSES[told.status],
            unrecognised=odd,
            text=_reason(told.expiry_reason),
            cl_ord_id=ClOrdId(client_id) if client_id else None,
            order_id=order_id_of(told.symbol, told.order_id),
            symbol=self.symbols.from_wire(told.symbol),
            side=SIDES.get(told.side),
            order_type=_order_type(told.type, told.trailing_delta),
            order_class=class_of_leg(client_id),
            tif=TIMES_IN_FORCE.get(told.time_in_force),
            order_qty=None if by_money else quantity_of(told.orig_qty),
            notional=by_money,
            price=price_of(told.price),
            stop_px=price_of(told.stop_price),
            trail_percent=_percent(told.trailing_delta),
            cum_qty=executed,
            avg_px=_average(told.quote_qty, executed),
            replaces=replaces_of(told.symbol, told.strategy_id, told.strategy_type),
            parent_order_id=self.families.head_of(client_id),
            transact_time=moment(told.transact_time) or moment(told.update_time) or moment(told.time),
            made_at=moment(told.time),
        )

    def learn_link(self, told: wire.Order | wire.ExecutionEvent) -> None:
        """Which order it took the place of, where it says so."""
        replaced = replaces_of(told.symbol, told.strategy_id, told.strategy_type)
        if replaced is not None and told.status != "REJECTED":
            self.successors.learn(replaced, order_id_of(told.symbol, told.order_id))

    def placed(self, told: wire.Order, heard: Heard) -> Reports:
        """The answer to a placement: where the order stands, then each fill it had at once."""
        standing = self.order(told, heard)
        self.terms.learn(told)
        if standing.unrecognised:
            return (standing,)
        return (standing, *(self._fill(told, fill, standing) for fill in told.fills or ()))

    def _fill(self, told: wire.Order, fill: wire.OrderFill, standing: ExecutionReport) -> ExecutionReport:
        """Its time is the order's own: the answer gives fills none.  What the order came to stands in its first report."""
        return replace(
            standing,
            exec_type=ExecType.TRADE,
            ord_status=None,
            cum_qty=None,
            avg_px=None,
            text=None,
            replaces=None,
            last_qty=Quantity(needed(fill.qty, what="a quantity")),
            last_px=Price(needed(fill.price, what="a price")),
            exec_id=exec_id_of(told.symbol, fill.trade_id),
            fee=_fee(fill.commission, fill.commission_asset),
        )

    def amended(self, told: wire.Amendment, heard: Heard) -> ExecutionReport:
        """The answer to an amendment: the same order with a smaller quantity, under the id that was sent with it."""
        order = told.amended_order
        self.families.learn([Seen(order.symbol, order.order_id, order.client_order_id)])
        odd = _odd(order.status, order.side, order.type, order.time_in_force)
        order_id, executed = order_id_of(order.symbol, order.order_id), quantity_of(order.executed_qty)
        self.terms.forget(order_id)
        return ExecutionReport(
            exec_type=ExecType.ORDER_STATUS if odd else ExecType.REPLACED,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            ord_status=None if odd else STATUSES[order.status],
            unrecognised=odd,
            cl_ord_id=ClOrdId(order.client_order_id) if order.client_order_id else None,
            order_id=order_id,
            symbol=self.symbols.from_wire(order.symbol),
            side=SIDES.get(order.side),
            order_type=_order_type(order.type, None),
            tif=TIMES_IN_FORCE.get(order.time_in_force),
            order_qty=Quantity(needed(order.qty, what="a quantity")),
            price=price_of(order.price),
            cum_qty=executed,
            avg_px=_average(order.cumulative_quote_qty, executed),
            replaces=order_id,
            transact_time=moment(told.transact_time),
        )

    def trade(self, told: wire.Trade, heard: Heard) -> ExecutionReport:
        """One of our trades, from the list of them."""
        return ExecutionReport(
            exec_type=ExecType.TRADE,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            order_id=order_id_of(told.symbol, told.order_id),
            symbol=self.symbols.from_wire(told.symbol),
            side=Side.BUY if told.is_buyer else Side.SELL,
            last_qty=Quantity(needed(told.qty, what="a quantity")),
            last_px=Price(needed(told.price, what="a price")),
            exec_id=exec_id_of(told.symbol, told.id),
            fee=_fee(told.commission, told.commission_asset),
            transact_time=moment_needed(told.time),
        )

    # -- the private stream -------------------------------------------------------------------------------------------

    def event(self, told: wire.ExecutionEvent, heard: Heard) -> ExecutionReport:
        """An `executionReport`."""
        client_id = own_client_id(told)
        self.families.learn(seen_in(told))
        self.learn_link(told)
        odd = _odd(told.status, told.side, told.order_type, told.tif) or _odd_exec(told.exec_type)
        exec_type = ExecType.ORDER_STATUS if odd else EXEC_TYPES[told.exec_type]
        status = None if odd else STATUSES[told.status]
        order_id = order_id_of(told.symbol, told.order_id) if told.order_id > 0 else None
        if order_id is not None and told.exec_type != "NEW":
            self.terms.forget(order_id)
        by_money, executed = positive(told.quote_order_qty), quantity_of(told.cum_qty)
        standing = ExecutionReport(
            exec_type=ExecType.HELD if exec_type is ExecType.NEW and status is OrdStatus.HELD else exec_type,
            source=heard.source,
            at=heard.at,
            ord_status=status,
            unrecognised=odd,
            text=_reason(told.reject_reason) or _reason(told.expiry_reason),
            cl_ord_id=ClOrdId(client_id) if client_id else None,
            order_id=order_id,
            symbol=self.symbols.from_wire(told.symbol),
            side=SIDES.get(told.side),
            order_type=_order_type(told.order_type, told.trailing_delta),
            order_class=class_of_leg(client_id),
            tif=TIMES_IN_FORCE.get(told.tif),
            order_qty=None if by_money else quantity_of(told.qty),
            notional=by_money,
            price=price_of(told.price),
            stop_px=price_of(told.stop_price),
            trail_percent=_percent(told.trailing_delta),
            cum_qty=executed,
            avg_px=_average(told.quote_qty, executed),
            replaces=order_id
            if exec_type is ExecType.REPLACED
            else replaces_of(told.symbol, told.strategy_id, told.strategy_type),
            parent_order_id=self.families.head_of(client_id),
            transact_time=moment(told.time),
        )
        match exec_type:
            case ExecType.TRADE:
                return self._traded(told, standing)
            case ExecType.CANCELED:
                return self._gave_way(told, standing)
            case ExecType.REJECTED:
                return _not_replaced(standing)
            case _:
                return standing

    def _traded(self, told: wire.ExecutionEvent, standing: ExecutionReport) -> ExecutionReport:
        """Without price or quantity it is still a trade: the total in it will have the executions fetched."""
        return replace(
            standing,
            last_qty=quantity_of(told.last_qty),
            last_px=price_of(told.last_price),
            exec_id=exec_id_of(told.symbol, told.trade_id),
            fee=_fee(told.commission, told.commission_asset),
        )

    def _gave_way(self, told: wire.ExecutionEvent, standing: ExecutionReport) -> ExecutionReport:
        """The old order of a cancelReplace names the new one in the id of its cancel: it is cancelled when that did not come.

        While nobody knows, it is told as one whose replacement is on its way.
        """
        successor = replaced_by_cancel(told.client_id)
        follower = None if successor is None else self.families.venue_id(successor)
        if standing.order_id is None or successor is None or follower == standing.order_id:
            return standing
        if follower is not None:
            self.successors.learn(standing.order_id, follower)
            return gave_way(standing, follower)
        return standing if self.successors.is_refused(successor) else undecided(standing)


def gave_way(report: ExecutionReport, follower: OrderId) -> ExecutionReport:
    """A cancelled order as one that another took the place of."""
    return replace(report, exec_type=ExecType.REPLACED, replaced_by=follower)


def undecided(report: ExecutionReport) -> ExecutionReport:
    """A cancelled order of which nobody knows yet whether another took its place: without its closing word."""
    return replace(report, exec_type=ExecType.ORDER_STATUS, ord_status=OrdStatus.PENDING_REPLACE)


def _not_replaced(standing: ExecutionReport) -> ExecutionReport:
    """A rejected order that was to take the place of another: what is told is about that other."""
    if standing.replaces is None:
        return standing
    return replace(
        standing, exec_type=ExecType.REPLACE_REJECTED, ord_status=None, order_id=standing.replaces, replaces=None
    )


def seen_in(told: wire.ExecutionEvent) -> list[Seen]:
    """The order an event names; one that was rejected is nobody's head and took nobody's place."""
    return [] if told.status == "REJECTED" else [Seen(told.symbol, told.order_id, own_client_id(told))]


def own_client_id(told: wire.ExecutionEvent) -> str:
    """The client id of the order an event is about: of a cancel it stands in `C`, and `c` is that of the cancel."""
    return told.orig_client_id if told.exec_type == "CANCELED" and told.orig_client_id else told.client_id


def _odd(status: str, side: str, kind: str, tif: str) -> str | None:
    """The first word that stands in no table."""
    for name, value, table in (
        ("status", status, STATUSES),
        ("side", side, SIDES),
        ("type", kind, ORDER_TYPES),
        ("timeInForce", tif, _TIFS),
    ):
        if value not in table:
            return f"{name} {word(value)}"
    return None


def _odd_exec(exec_type: str) -> str | None:
    return None if exec_type in EXEC_TYPES else f"execution type {word(exec_type)}"


def _order_type(kind: str, trailing: int | None) -> OrderType | None:
    found = ORDER_TYPES.get(kind)
    return OrderType.TRAILING_STOP if found is OrderType.STOP and trailing else found


def _percent(trailing: int | None) -> Decimal | None:
    return None if not trailing else trailing * _CENT_OF_PERCENT


def _average(quote_qty: Decimal | None, executed: Decimal | None) -> Decimal | None:
    """Money over units; below zero the venue does not know the money any more."""
    paid = number(quote_qty, what="a total")
    return paid / executed if paid is not None and paid > 0 and executed else None


def _fee(commission: Decimal | None, asset: str | None) -> Money | None:
    amount = number(commission, what="a commission")
    return Money(amount, asset) if amount and asset else None


def _reason(reason: str | None) -> str | None:
    return None if reason is None or reason in _NO_REASON else word(reason)
