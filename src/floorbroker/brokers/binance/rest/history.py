"""Orders, executions and money of the account as the ports want them: whole lists, or an error."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.info import Options
from floorbroker.brokers.binance.mapping import account as accounts
from floorbroker.brokers.binance.mapping import rules
from floorbroker.brokers.binance.mapping.families import Seen
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity
from floorbroker.brokers.binance.mapping.reports import Heard, Reader, Reports
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.mapping.values import needed, venue_number
from floorbroker.brokers.binance.rest.calls import Calls, order_name
from floorbroker.brokers.binance.rest.market import MarketReads
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, OrderNotFound, SymbolNotFound, VenueError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Account, Balance, ExecutionReport, Fetched, Position, RiskMetrics

_BROKER = "BINANCE"
T = TypeVar("T")


class History:
    """What the venue knows of the account."""

    def __init__(
        self,
        reads: Reads,
        calls: Calls,
        *,
        market: MarketReads,
        reader: Reader,
        traded: Traded,
        options: Options,
        clock: Clock,
        log: Log,
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._market = market
        self._reader = reader
        self._traded = traded
        self._options = options
        self._clock = clock
        self._log = log
        self._identity = BinanceIdentity()
        self._held: frozenset[str] | None = None  # coins of the last account that was asked for

    # -- orders -----------------------------------------------------------------------------------------------------------

    async def order(self, ref: OrderRef) -> Reports:
        """By the venue's number when known, else by our id; `OrderNotFound` only in the venue's documented words."""
        self._traded.meet(ref.symbol)
        asked_at = self._clock.now()
        known = ref.order_id or self._reader.families.venue_id(ref.cl_ord_id)
        symbol = known.rpartition(":")[0] if known is not None else self._reader.symbols.to_wire(ref.symbol)
        name = order_name(None if known is None else venue_number(known), ref.cl_ord_id)
        told = await self._reads.ask(self._calls.order((("symbol", symbol), *name)), wire.Order, what="the order")
        if known is None and told.client_order_id != ref.cl_ord_id:
            raise ApiError("the reply is about another order", broker=_BROKER)
        (report,) = await self._reports([told], Source.QUERY, asked_at)
        return (self._with_amendment(report, ref),)

    def _with_amendment(self, report: ExecutionReport, ref: OrderRef) -> ExecutionReport:
        """An order that goes by another id of ours now was amended by us: the answer to that may never have come."""
        renamed = report.cl_ord_id != ref.cl_ord_id and report.replaces is None
        is_ours = report.cl_ord_id is not None and self._identity.decode(report.cl_ord_id) is not None
        return replace(report, replaces=report.order_id) if renamed and is_ours else report

    async def working(self, symbol: str) -> rules.Working:
        """How many orders work in one symbol."""
        request = self._calls.open_orders(self._reader.symbols.to_wire(symbol))
        return rules.working_from(await self._reads.ask(request, list[wire.Order], what="the open orders"))

    async def open_orders(self) -> Fetched[ExecutionReport]:
        """Every open order of every symbol, members of lists included."""
        asked_at = self._clock.now()
        listed = await self._open()
        reports = await self._reports(listed, Source.SNAPSHOT, asked_at)
        return Fetched(items=reports, asked_at=asked_at)

    async def _open(self) -> list[wire.Order]:
        await self._market.load()
        await self._reads.keep_time()
        return await self._reads.ask(self._calls.open_orders(), list[wire.Order], what="the open orders")

    async def orders(self, since: datetime) -> Fetched[ExecutionReport]:
        """Orders made or changed since then in every symbol we have to do with, and all open ones."""
        asked_at = self._clock.now()
        working = await self._open()
        found: dict[tuple[str, int], wire.Order] = {}
        for symbol in await self._to_ask(working):
            wire_symbol = self._reader.symbols.to_wire(symbol)
            for order in await self._known(symbol, self._reads.orders(wire_symbol, since=since)):
                found[order.symbol, order.order_id] = order
        for order in working:
            found.setdefault((order.symbol, order.order_id), order)
        reports = await self._reports(list(found.values()), Source.SNAPSHOT, asked_at)
        return Fetched(items=reports, asked_at=asked_at)

    async def fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every trade of ours since then, in the symbols we have to do with."""
        asked_at = self._clock.now()
        reports: list[ExecutionReport] = []
        for symbol in await self._to_ask(await self._open()):
            wire_symbol = self._reader.symbols.to_wire(symbol)
            trades = await self._known(symbol, self._reads.trades(wire_symbol, since=since))
            heard = Heard(source=Source.HISTORY, at=self._clock.now(), asked_at=asked_at)
            reports += [self._reader.trade(one, heard) for one in trades]
        return Fetched(items=tuple(reports), asked_at=asked_at)

    async def _known(self, symbol: str, listed: Awaitable[list[T]]) -> list[T]:
        """What is listed of one symbol; nothing of one that the venue took off its list since we asked for that."""
        try:
            return await listed
        except SymbolNotFound:
            self._traded.forget(symbol)
            self._log.warning("symbol.gone", symbol=symbol)
            return []

    async def _to_ask(self, working: Iterable[wire.Order]) -> tuple[str, ...]:
        if self._held is None:
            await self.balances()
        spelled = [self._reader.symbols.from_wire(order.symbol) for order in working]
        wanted = self._traded.to_ask(working=spelled, held=self._held or (), symbols=self._reader.symbols)
        return tuple(symbol for symbol in wanted if self._reader.symbols.find(symbol) is not None)

    async def _reports(self, listed: list[wire.Order], source: Source, asked_at: datetime) -> Reports:
        """With the heads of legs that nobody has met yet asked for."""
        families = self._reader.families
        families.learn(Seen(order.symbol, order.order_id, order.client_order_id) for order in listed)
        lists = {order.order_list_id for order in listed if families.is_stray(order.client_order_id)}
        for list_id in sorted(number for number in lists if number > 0):
            await self._learn_list(list_id)
        for order in listed:
            if families.is_stray(order.client_order_id):
                families.give_up(order.client_order_id)
        heard = Heard(source=source, at=self._clock.now(), asked_at=asked_at)
        reports = tuple(self._reader.order(order, heard) for order in listed)
        for report in reports:
            self._traded.meet(report.symbol)
        return reports

    async def _learn_list(self, list_id: int) -> None:
        try:
            told = await self._reads.ask(self._calls.order_list(list_id), wire.OrderList, what="the order list")
        except OrderNotFound:
            return  # as old as that nobody knows it: its legs stand alone
        self._reader.families.learn_list(Seen(one.symbol, one.order_id, one.client_order_id) for one in told.orders)

    # -- money ------------------------------------------------------------------------------------------------------------

    async def _account(self) -> wire.Account:
        await self._reads.keep_time()
        told = await self._reads.ask(self._calls.account(), wire.Account, what="the account")
        self._held = frozenset(balance.currency for balance in accounts.balances_from(told))
        return told

    async def account(self) -> Account:
        """With its worth in the profile's currency, at the last prices."""
        await self._market.load()
        told = await self._account()
        return self._valued(told, await self._prices(told))

    def _valued(self, told: wire.Account, prices: dict[str, Decimal]) -> Account:
        return accounts.account_from(told, currency=self._options.currency, prices=prices, symbols=self._reader.symbols)

    async def _prices(self, told: wire.Account) -> dict[str, Decimal]:
        held = [balance.currency for balance in accounts.balances_from(told)]
        wanted = accounts.priced_by(held, self._options.currency, self._reader.symbols)
        if not wanted:
            return {}
        told_prices = await self._reads.prices(wanted)
        return {symbol: needed(ticker.price, what="a price") for symbol, ticker in told_prices.items()}

    async def _prices_if_told(self, told: wire.Account) -> dict[str, Decimal]:
        """What coins are worth is no part of what is held: without it the list is whole all the same."""
        try:
            return await self._prices(told)
        except VenueError as error:
            self._log.warning("prices.not_told", code=error.code, detail=error.detail)
            return {}

    async def raw_account(self) -> wire.Account:
        """The account as the venue tells it."""
        return await self._account()

    async def balances(self) -> Fetched[Balance]:
        asked_at = self._clock.now()
        return Fetched(items=accounts.balances_from(await self._account()), asked_at=asked_at)

    async def positions(self) -> Fetched[Position]:
        """Coins, each against the currency it is traded in."""
        await self._market.load()
        asked_at = self._clock.now()
        told = await self._account()
        balances, prices = accounts.balances_from(told), await self._prices_if_told(told)
        symbols, traded = self._reader.symbols, self._traded.by_coin
        return Fetched(
            items=accounts.positions_from(balances, symbols=symbols, traded=traded, prices=prices), asked_at=asked_at
        )

    async def risk(self) -> RiskMetrics:
        """Everything but money is exposed."""
        await self._market.load()
        told, working = await self._account(), await self._open()
        prices, symbols, currency = await self._prices(told), self._reader.symbols, self._options.currency
        coins = [one for one in accounts.balances_from(told) if one.currency not in accounts.MONEY | {currency}]
        values = [accounts.worth(one.currency, one.total, currency, prices, symbols) for one in coins]
        return accounts.risk_from(self._valued(told, prices), [v for v in values if v is not None], len(working))
