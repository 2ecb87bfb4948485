"""Orders, executions and money of the account as the ports want them: whole lists, or an error."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
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
from floorbroker.brokers.binance.rest import answers
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.binance.rest.fates import Fates, linked
from floorbroker.brokers.binance.rest.market import MarketReads
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import OrderNotFound, SymbolNotFound, VenueError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Account, Balance, ExecutionReport, Fetched, Position, RiskMetrics

_BROKER = "BINANCE"
_LATELY_S = 5.0
_WIDE_EVERY_S = 300.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listed:
    """Open orders, and when they were asked for: by the wall clock, and monotonic."""

    orders: list[wire.Order]
    asked_at: datetime
    asked_s: float


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
        self._fates = Fates(reads, calls, reader=reader, clock=clock)
        self._listed: _Listed | None = None
        self._wide_s: dict[str, float] = {}
        self._held: frozenset[str] | None = None  # coins of the last account that was asked for

    # -- orders -----------------------------------------------------------------------------------------------------------

    async def order(self, ref: OrderRef) -> Reports:
        """By the venue's number when known, else by our id; `OrderNotFound` only in the venue's documented words.

        Of an order that another took the place of, both are told; raises `ApiError` while it is open whether one did.
        """
        self._traded.meet(ref.symbol)
        asked_at, asked_s = self._clock.now(), self._clock.monotonic()
        known = ref.order_id or self._reader.families.venue_id(ref.cl_ord_id)
        symbol = known.rpartition(":")[0] if known is not None else self._reader.symbols.to_wire(ref.symbol)
        name = answers.OrderName(symbol, None if known is None else venue_number(known), ref.cl_ord_id)
        told = await self._reads.ask(self._calls.order(name.params), wire.Order, what="the order")
        answers.order_told(told, name)
        self._fates.note_working(told, asked_s=asked_s)
        if self._fates.is_in_question(told) and (new := await self._fates.successor(told)) is not None:
            first, second = await self._reports([new, told], Source.QUERY, asked_at)
            return (linked(first, told), second)
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
        listed = await self._open()
        reports = await self._reports(listed.orders, Source.SNAPSHOT, listed.asked_at)
        return Fetched(items=reports, asked_at=listed.asked_at)

    async def _open(self) -> _Listed:
        """The dearest question there is: its answer is kept, for the questions that follow right behind it."""
        await self._market.load()
        await self._reads.keep_time()
        asked_at, asked_s = self._clock.now(), self._clock.monotonic()
        orders = await self._reads.ask(self._calls.open_orders(), list[wire.Order], what="the open orders")
        for order in orders:
            self._traded.meet(self._reader.symbols.from_wire(order.symbol))
        self._listed = _Listed(orders, asked_at, asked_s)
        return self._listed

    async def _open_lately(self) -> _Listed:
        """The open orders of some seconds ago, told as what they were then; asked for where there are none."""
        listed = self._listed
        is_young = listed is not None and self._clock.monotonic() - listed.asked_s < _LATELY_S
        return listed if listed is not None and is_young else await self._open()

    async def orders(self, since: datetime) -> Fetched[ExecutionReport]:
        """Orders made or changed since then in every symbol we have to do with, and all open ones."""
        working = await self._open_lately()
        found: dict[tuple[str, int], wire.Order] = {}
        wide = self._is_wide("orders")
        for symbol in await self._to_ask(wide=wide):
            wire_symbol = self._reader.symbols.to_wire(symbol)
            for order in await self._known(symbol, self._reads.orders(wire_symbol, since=since)):
                found[order.symbol, order.order_id] = order
        self._mark("orders", wide=wide)
        for order in working.orders:
            found.setdefault((order.symbol, order.order_id), order)
        reports = await self._reports(list(found.values()), Source.SNAPSHOT, working.asked_at)
        return Fetched(items=reports, asked_at=working.asked_at)

    async def fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every trade of ours since then, in the symbols we have to do with."""
        await self._open_lately()
        asked_at = self._clock.now()
        reports: list[ExecutionReport] = []
        wide = self._is_wide("fills")
        for symbol in await self._to_ask(wide=wide):
            wire_symbol = self._reader.symbols.to_wire(symbol)
            trades = await self._known(symbol, self._reads.trades(wire_symbol, since=since))
            heard = Heard(source=Source.HISTORY, at=self._clock.now(), asked_at=asked_at)
            reports += [self._reader.trade(one, heard) for one in trades]
        self._mark("fills", wide=wide)
        return Fetched(items=tuple(reports), asked_at=asked_at)

    async def _known(self, symbol: str, listed: Awaitable[list[T]]) -> list[T]:
        """What is listed of one symbol; nothing of one that the venue took off its list since we asked for that."""
        try:
            return await listed
        except SymbolNotFound:
            self._traded.forget(symbol)
            self._log.warning("symbol.gone", symbol=symbol)
            return []

    async def _to_ask(self, *, wide: bool) -> tuple[str, ...]:
        """The symbols of orders and reports of ours; where it is `wide` those of the desk's books, and the markets between coins
        that are held.
        """
        if self._held is None:
            await self.balances()
        held = self._held if wide and self._held is not None else ()
        wanted = self._traded.to_ask(held=held, symbols=self._reader.symbols, wide=wide)
        return tuple(symbol for symbol in wanted if self._reader.symbols.find(symbol) is not None)

    def _is_wide(self, about: str) -> bool:
        """Now and then: each symbol costs.

        What somebody else traded while we were away is found with the next wide question, since each round looks back five
        minutes behind the one before it.
        """
        last_s = self._wide_s.get(about)
        return last_s is None or self._clock.monotonic() - last_s >= _WIDE_EVERY_S

    def _mark(self, about: str, *, wide: bool) -> None:
        """A wide question was answered in full."""
        if wide:
            self._wide_s[about] = self._clock.monotonic()

    async def _reports(self, listed: list[wire.Order], source: Source, asked_at: datetime) -> Reports:
        """With the heads of legs that nobody has met yet asked for."""
        families = self._reader.families
        self._fates.learn_all(listed)
        lists = {order.order_list_id for order in listed if families.is_stray(order.client_order_id)}
        for list_id in sorted(number for number in lists if number >= 0):
            await self._learn_list(list_id)
        for order in listed:
            if families.is_stray(order.client_order_id):
                families.give_up(order.client_order_id)
        heard = Heard(source=source, at=self._clock.now(), asked_at=asked_at)
        reports = tuple(self._fates.judge(order, self._reader.order(order, heard)) for order in listed)
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
        told, working = await self._account(), await self._open_lately()
        prices, symbols, currency = await self._prices(told), self._reader.symbols, self._options.currency
        coins = [one for one in accounts.balances_from(told) if one.currency not in accounts.MONEY | {currency}]
        values = [accounts.worth(one.currency, one.total, currency, prices, symbols) for one in coins]
        return accounts.risk_from(self._valued(told, prices), [v for v in values if v is not None], len(working.orders))
