"""Reads of an account: one question each, and what stands behind its orders in the log.

Nothing here returns a part of a list: what cannot be completed is raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.ledger import CANCEL, FILL, OF_A_TRADE, Ledger, Terms, kind_of
from floorbroker.brokers.oanda.mapping.orders import OpenTrade
from floorbroker.brokers.oanda.mapping.values import BROKER, from_wire_symbol, needed, number_of
from floorbroker.brokers.oanda.rest import answers
from floorbroker.brokers.oanda.rest.calls import Calls
from floorbroker.brokers.oanda.rest.log import Log
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.transport.types import Lane, Request, Transport

T = TypeVar("T")
_CHAIN_MAX = 100


class Reads:
    """The read stack of one account."""

    def __init__(self, transport: Transport, calls: Calls, ledger: Ledger, *, clock: Clock) -> None:
        self._transport = transport
        self._calls = calls
        self._ledger = ledger
        self.log = Log(self.ask, calls, clock=clock)

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One question.  Raises what the venue says, and `ApiError` for an answer that is none."""
        return answers.answer(await self._transport.send(request), kind, what=what)

    async def order(self, order: str, *, lane: Lane = Lane.RESOLVE) -> wire.Order:
        """An order as it stands, by the venue's id or by ours behind an `@`.  Raises `OrderNotFound`."""
        found = await self.ask(self._calls.order(order, lane=lane), wire.OrderReply, what="the order")
        return found.order

    async def details(self, *, lane: Lane = Lane.RECONCILE) -> wire.Account:
        """The account with its orders and trades, of one moment."""
        return self.own((await self.ask(self._calls.details(lane=lane), wire.AccountReply, what="the account")).account)

    async def summary(self, *, lane: Lane = Lane.RECONCILE) -> wire.Account:
        return self.own((await self.ask(self._calls.summary(lane=lane), wire.AccountReply, what="the account")).account)

    def own(self, account: wire.Account) -> wire.Account:
        """Raises `ApiError` for another account's answer."""
        if account.id != self._calls.account():
            raise ApiError("the reply is about another account", broker=BROKER)
        return account

    async def trades(self, symbol: str, *, lane: Lane = Lane.RESOLVE) -> list[OpenTrade]:
        """The open trades of a symbol."""
        account = await self.details(lane=lane)
        return [
            OpenTrade(trade_id=trade.id, units=needed(trade.current_units, what="the units of a trade"))
            for trade in account.trades
            if from_wire_symbol(trade.instrument) == symbol
        ]

    async def learn(self, order_id: str, *, lane: Lane = Lane.RECONCILE, opens: bool = False) -> Terms:
        """Have the ledger know an order: its making, the batch that was part of, and the trade it belongs to, with its entry.

        `opens`: it is one that opened a trade, which an exit never does.
        """
        known = self._ledger.terms(order_id)
        if known is not None:
            return known
        made = await self.log.entry(order_id, lane=lane)
        if not kind_of(made) or (opens and kind_of(made) in OF_A_TRADE):
            raise ApiError("an order of the reply has no beginning in the log", broker=BROKER)
        await self._learn_trade(made, lane=lane)
        for entry in [*(await self.log.until(made, lane=lane))[:-1], made]:
            self._ledger.learn(entry)
        return self.terms(order_id)

    def terms(self, order_id: str) -> Terms:
        """An order that was learned."""
        terms = self._ledger.terms(order_id)
        if terms is None:
            raise ApiError("an order of the reply is no order in the log", broker=BROKER)
        return terms

    async def _learn_trade(self, made: wire.Transaction, *, lane: Lane) -> None:
        if kind_of(made) not in OF_A_TRADE or not made.trade_id:
            return
        if self._ledger.trade(made.trade_id) is None:
            self._ledger.learn(await self.log.entry(made.trade_id, lane=lane))
        trade = self._ledger.trade(made.trade_id)
        if trade is not None:
            await self.learn_chain(trade.order_id, lane=lane, opens=True)

    def learn_trades(self, account: wire.Account) -> None:
        """Have the ledger know what open trades have now."""
        at = number_of(account.last_transaction_id)
        for trade in account.trades:
            self._ledger.stands(trade.id, needed(trade.current_units, what="the units of a trade"), known_at=at)

    async def learn_chain(self, order_id: str, *, lane: Lane = Lane.RESOLVE, opens: bool = False) -> Terms:
        """Have the ledger know an order and every one that it goes on for."""
        last = first = await self.learn(order_id, lane=lane, opens=opens)
        for _ in range(_CHAIN_MAX):
            if first.replaces is None:
                return last
            first = await self.learn(first.replaces, lane=lane, opens=opens)
        raise ApiError("the order was changed more often than can be followed", broker=BROKER)

    async def learn_behind(self, entries: Iterable[wire.Transaction], *, lane: Lane = Lane.RECONCILE) -> list[Terms]:
        """Have the ledger know the orders and trades that entries are about and were not made among them; the news of it."""
        listed = list(entries)
        made = {entry.id for entry in listed}
        found: list[Terms] = []
        for entry in listed:
            if entry.type in (FILL, CANCEL) and entry.order_id and entry.order_id not in made:
                is_news = self._ledger.terms(entry.order_id) is None
                terms = await self.learn_chain(entry.order_id, lane=lane)
                found += [terms] if is_news else []
            if entry.trade_id not in made:
                await self._learn_trade(entry, lane=lane)
        return found

    async def ends_of(self, order: wire.Order, *, lane: Lane = Lane.RESOLVE) -> list[wire.Transaction]:
        """What the log says of an order's end: the batches of its fill and of its cancel, in order."""
        found: dict[str, wire.Transaction] = {}
        for number in (order.filling_transaction_id, order.cancelling_transaction_id):
            if number is not None:
                found |= {entry.id: entry for entry in await self.log.batch(number, lane=lane)}
        return sorted(found.values(), key=lambda entry: int(entry.id))
