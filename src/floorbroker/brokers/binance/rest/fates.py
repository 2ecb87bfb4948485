"""What became of a cancelled order: did another take its place?  Its closing word is told when that is known, and not before.

In question are orders of which we asked so and had no answer, and orders of ours that were cancelled before this process began
or right after: an earlier life may have asked.  The new order is found by the id that was asked for, else by the number of the
old one that it carries.  It is placed in one step with the cancel; so what is not to be found some time after that never came.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.info import INFO
from floorbroker.brokers.binance.mapping.families import Seen, replaces_of
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity
from floorbroker.brokers.binance.mapping.reports import Reader, gave_way, undecided
from floorbroker.brokers.binance.mapping.values import moment, order_id_of
from floorbroker.brokers.binance.rest.answers import OrderName, order_told
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, OrderNotFound
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import OrderId

_BROKER = "BINANCE"
_OPEN = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})
_NEGATIVES, _SPREAD_S = 3, 10.0
HORIZON_S = INFO.arrival_bound_s + INFO.visibility_lag_s + 3.0
_EARLIER = timedelta(seconds=5)
_LONG = timedelta(days=1)


class Fates:
    """Of one account; it begins with the process."""

    def __init__(self, reads: Reads, calls: Calls, *, reader: Reader, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._reader = reader
        self._clock = clock
        self._identity = BinanceIdentity()
        self._began = clock.now()

    def judge(self, told: wire.Order, report: ExecutionReport) -> ExecutionReport:
        """`report` as it may be told; a cancelled order whose fate is open loses its closing word."""
        old = order_id_of(told.symbol, told.order_id)
        if told.status != "CANCELED" or report.unrecognised is not None:
            return report
        follower = self._reader.successors.follower(old)
        if follower is not None:
            return gave_way(report, follower)
        return undecided(report) if self._is_open(told, old) else report

    def note_working(self, told: wire.Order, *, asked_s: float) -> None:
        """An order that works, asked for when no replace could arrive any more: none did."""
        old = order_id_of(told.symbol, told.order_id)
        doubt = self._reader.successors.doubt(old)
        if doubt is not None and told.status in _OPEN and asked_s - doubt.since_s > HORIZON_S:
            self._reader.successors.drop(old)

    def is_in_question(self, told: wire.Order) -> bool:
        """A cancelled order whose successor is to be asked for before it is told."""
        old = order_id_of(told.symbol, told.order_id)
        if told.status != "CANCELED" or self._reader.successors.follower(old) is not None:
            return False
        return self._reader.successors.doubt(old) is not None or self._may_be_of_an_earlier_life(told)

    def _is_open(self, told: wire.Order, old: OrderId) -> bool:
        is_young = self._age_s(told) <= HORIZON_S
        return self._reader.successors.doubt(old) is not None or (is_young and self._may_be_of_an_earlier_life(told))

    def _may_be_of_an_earlier_life(self, told: wire.Order) -> bool:
        """What this process asked it knows by itself."""
        at = moment(told.update_time)
        is_ours = self._identity.decode(told.client_order_id) is not None
        return is_ours and (at is None or at <= self._began + timedelta(seconds=HORIZON_S))

    def _age_s(self, told: wire.Order) -> float:
        """Since the cancel, by the venue's clock; an order that tells no time was cancelled long ago."""
        at = moment(told.update_time)
        return (self._reads.venue_now() - at).total_seconds() if at is not None else _LONG.total_seconds()

    async def successor(self, told: wire.Order) -> wire.Order | None:
        """The order that took the place of a cancelled one; None when none did.  Raises `ApiError` while that is open."""
        old, successors, asked_s = (
            order_id_of(told.symbol, told.order_id),
            self._reader.successors,
            self._clock.monotonic(),
        )
        found = await self._by_id(told, old) or await self._by_mark(told, old)
        if found is not None and found.status != "REJECTED":
            successors.learn(old, order_id_of(found.symbol, found.order_id))
            return found
        doubt = successors.doubt(old)
        if found is None:
            self._count(told, old, asked_s)
        if doubt is not None:
            successors.refuse(doubt.cl_ord_id)
        return None

    async def _by_id(self, told: wire.Order, old: OrderId) -> wire.Order | None:
        doubt = self._reader.successors.doubt(old)
        if doubt is None:
            return None
        name = OrderName(told.symbol, None, doubt.cl_ord_id)
        try:
            found = await self._reads.ask(self._calls.order(name.params), wire.Order, what="the new order")
        except OrderNotFound:
            return None
        return order_told(found, name)

    async def _by_mark(self, told: wire.Order, old: OrderId) -> wire.Order | None:
        """Among all that was made or changed since the cancel."""
        since = (moment(told.update_time) or self._reads.venue_now() - _LONG) - _EARLIER
        listed = await self._reads.orders(told.symbol, since=since)
        marked = (one for one in listed if replaces_of(one.symbol, one.strategy_id, one.strategy_type) == old)
        return next(marked, None)

    def _count(self, told: wire.Order, old: OrderId, asked_s: float) -> None:
        """One complete negative.  Raises `ApiError` unless that is enough to say that no order came."""
        doubt = self._reader.successors.doubt(old)
        is_ripe = self._age_s(told) > HORIZON_S
        if doubt is not None and is_ripe:
            doubt.count(asked_s)
            is_ripe = doubt.is_over(asked_s, negatives=_NEGATIVES, spread_s=_SPREAD_S)
        if not is_ripe:
            raise ApiError(
                "incomplete: the order is cancelled, and whether a new one took its place is not known yet",
                broker=_BROKER,
            )

    def learn_all(self, listed: list[wire.Order]) -> None:
        """Who replaced whom in one list, before any of it is told."""
        self._reader.families.learn(Seen(one.symbol, one.order_id, one.client_order_id) for one in listed)
        for one in listed:
            self._reader.learn_link(one)


def linked(report: ExecutionReport, old: wire.Order) -> ExecutionReport:
    """The report of a successor, with the order it replaced, which a venue may not repeat."""
    return report if report.replaces is not None else replace(report, replaces=order_id_of(old.symbol, old.order_id))
