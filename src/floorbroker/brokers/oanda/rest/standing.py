"""How orders stand: one by name, those that wait, those of the past; and executions.  All of it out of the log.

An order object tells its state and not what it filled, so the entries behind it are read with it.  What a client id became is
looked for among the orders that wait, then in the log from the time its intent was decided: the log has no gaps, so what is not
in it did not arrive by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.exits import entry_of
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import client_id_of, kind_of
from floorbroker.brokers.oanda.mapping.reports import Heard, Reader, Reports
from floorbroker.brokers.oanda.mapping.values import BROKER
from floorbroker.brokers.oanda.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import OrderNotFound
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import ExecType, OrderId, OrdStatus
from floorbroker.transport.types import Lane

_SKEW = timedelta(minutes=5)  # between our clock, which names intents, and the venue's, which dates its log
_LOOK_BACK = timedelta(days=1)
_WAITS = frozenset({"PENDING", "TRIGGERED"})
_CANCELLED = "CANCELLED"


class Standing:
    """Questions about the orders of one account."""

    def __init__(self, reads: Reads, reader: Reader, *, clock: Clock) -> None:
        self._reads = reads
        self._reader = reader
        self._clock = clock
        self._identity = OandaIdentity()

    # -- one order ------------------------------------------------------------------------------------------------------

    async def status(self, ref: OrderRef) -> Reports:
        """An order by the venue's id, else by ours.  Raises `OrderNotFound` where the log does not have it."""
        asked_at = self._clock.now()
        if ref.order_id is not None:
            return await self._by_id(entry_of(ref.order_id), asked_at)
        waiting = await self._waiting_as(str(ref.cl_ord_id))
        if waiting is not None:
            return await self._of(waiting, asked_at)
        return await self._in_the_log(str(ref.cl_ord_id), asked_at)

    async def _by_id(self, order_id: str, asked_at: datetime) -> Reports:
        return await self._of(await self._reads.order(order_id), asked_at)

    async def _waiting_as(self, client_id: str) -> wire.Order | None:
        try:
            found = await self._reads.order(f"@{client_id}")
        except OrderNotFound:
            return None
        named = found.client_extensions.id if found.client_extensions is not None else None
        return found if named == client_id else None

    async def _in_the_log(self, client_id: str, asked_at: datetime) -> Reports:
        known = self._reader.ledger.named(client_id)
        if known is not None:
            return await self._by_id(known, asked_at)
        since = (self._identity.decided_at(client_id) or asked_at - _LOOK_BACK) - _SKEW
        heard, refusals = self._heard(Source.QUERY, asked_at), list[ExecutionReport]()
        for entry in await self._reads.log.since(since, lane=Lane.RESOLVE):
            if client_id_of(entry, self._identity) != client_id:
                continue
            if kind_of(entry):
                return await self._by_id(entry.id, asked_at)
            refusals += self._reader.read(entry, heard)
        if refusals:
            return tuple(refusals)
        raise OrderNotFound("the log of the account does not have it", broker=BROKER)

    async def _of(self, order: wire.Order, asked_at: datetime) -> Reports:
        """How an order stands, with what the log says of its end."""
        heard = self._heard(Source.QUERY, asked_at)
        terms = await self._reads.learn_chain(order.id)
        if order.state in _WAITS:
            return self._reader.waiting(terms, heard)
        ends = await self._reads.ends_of(order)
        await self._reads.learn_behind(ends, lane=Lane.RESOLVE)
        told = [report for entry in ends for report in self._reader.read(entry, heard)]
        return (*self._reader.waiting(terms, heard), *told, *self._unexplained(order, ends, heard))

    def _unexplained(self, order: wire.Order, ends: list[wire.Transaction], heard: Heard) -> Reports:
        """A state whose entry the order does not name: the word alone, or that it is a strange one."""
        if any(entry.order_id == order.id for entry in ends):
            return ()
        is_cancelled = order.state == _CANCELLED
        report = ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            order_id=OrderId(order.id),
            ord_status=OrdStatus.CANCELED if is_cancelled else None,
            unrecognised=None if is_cancelled else f"state {order.state[:32]}",
        )
        return (report,)

    # -- lists ----------------------------------------------------------------------------------------------------------

    async def open_orders(self) -> Fetched[ExecutionReport]:
        """Every order that waits, exits promised by them included; an exit of a trade closes what the trade has now."""
        asked_at = self._clock.now()
        account = await self._reads.details()
        return Fetched(items=await self._waiting(account, asked_at), asked_at=asked_at)

    async def _waiting(self, account: wire.Account, asked_at: datetime) -> Reports:
        heard = self._heard(Source.SNAPSHOT, asked_at)
        waiting = [await self._reads.learn_chain(order.id, lane=Lane.RECONCILE) for order in account.orders]
        self._reads.learn_trades(account)
        return tuple(report for terms in waiting for report in self._reader.waiting(terms, heard))

    async def history(self, since: datetime) -> Fetched[ExecutionReport]:
        """What the log says of orders from a time on, and every order that waits."""
        asked_at = self._clock.now()
        account = await self._reads.details()
        waiting = await self._waiting(account, asked_at)
        told = await self._told(since, self._heard(Source.SNAPSHOT, asked_at))
        return Fetched(items=(*told, *waiting), asked_at=asked_at)

    async def fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every execution from a time on."""
        asked_at = self._clock.now()
        told = await self._told(since, self._heard(Source.HISTORY, asked_at))
        return Fetched(items=tuple(one for one in told if one.exec_type is ExecType.TRADE), asked_at=asked_at)

    async def _told(self, since: datetime, heard: Heard) -> list[ExecutionReport]:
        entries = await self._reads.log.since(since)
        behind = await self._reads.learn_behind(entries)
        made = [report for terms in behind for report in self._reader.waiting(terms, heard)]
        return made + [report for entry in entries for report in self._reader.read(entry, heard)]

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)
