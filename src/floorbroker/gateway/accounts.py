"""Asks every profile at once for its account, for a bounded time, and makes one account of what came.

A venue that does not answer delays nobody: what it told last stands in for it, marked with its age, and where it never told
anything it is missing.  Rates come from quotes of the profiles themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf
from typing import TypeVar

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, FloorbrokerError, SymbolNotFound
from floorbroker.domain.instrument import asset_class_of, quote_of
from floorbroker.domain.options import OptionContract
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Position, Quote
from floorbroker.domain.values import AssetClass, ProfileName
from floorbroker.gateway.consolidated import (
    ROUNDED,
    Consolidated,
    Held,
    Lacking,
    Rate,
    common_currency,
    consolidate,
    currencies_of,
)
from floorbroker.gateway.desk import HeldOption, ProfilePosition, SessionState
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.options import is_over

ASK_S = 5.0
RATES_S = 2.0
PRICE_S = 60.0  # a price that a venue did not have is not asked for again earlier
RATE_AGE = timedelta(seconds=60)
UNLISTED_S = 3600.0  # a venue may list a pair later
UNLISTED_MOST = 1000
RATES_MOST = 1000
T = TypeVar("T")

DayPl = Callable[[ProfileName], Decimal | None]


def _untold(profile: ProfileName) -> None:
    """Nobody remembers where the day began."""
    del profile


@dataclass(slots=True)
class Accounts:
    """The accounts of one desk as one.  `sessions` is the desk's own table; `day_pl` tells what a profile made today."""

    sessions: Mapping[ProfileName, ProfileSession]
    clock: Clock
    log: Log
    day_pl: DayPl = _untold
    _last: dict[ProfileName, Held] = field(default_factory=dict[ProfileName, Held])
    _rates: dict[tuple[str, str], Rate] = field(default_factory=dict[tuple[str, str], Rate])
    _unlisted: dict[tuple[ProfileName, str], float] = field(
        default_factory=dict[tuple[ProfileName, str], float]
    )  # when a venue said so (monotonic), the oldest first
    _looked_up: dict[tuple[ProfileName, str], float] = field(
        default_factory=dict[tuple[ProfileName, str], float]
    )  # when a price was asked for, the same way

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        """All profiles in one currency, that of most accounts unless one is named.  Answers within `ASK_S + RATES_S`."""
        held, lacking = await self._ask()
        into = currency or common_currency(held)
        rates = await self._rates_into(into, currencies_of(held))
        return consolidate(held, lacking, rates, currency=into, at=self.clock.now())

    async def positions(self) -> list[ProfilePosition]:
        """What every profile holds.  Raises `ApiError` when one did not tell in time: a part is never given for the whole."""
        told = await self._within(ASK_S, {name: self._positions(session) for name, session in self.sessions.items()})
        if silent := [f"{name}: {answer}" for name, answer in told.items() if isinstance(answer, str)]:
            raise ApiError(f"not every profile told its positions: {'; '.join(silent)}")
        return [row for rows in told.values() if not isinstance(rows, str) for row in rows]

    # -- what is held -----------------------------------------------------------------------------------------------------

    async def _ask(self) -> tuple[list[Held], list[Lacking]]:
        answers = await self._within(ASK_S, {name: self._held(session) for name, session in self.sessions.items()})
        held: list[Held] = []
        lacking: list[Lacking] = []
        for name, answer in answers.items():
            if isinstance(answer, Held):
                self._last[name] = answer
                held.append(answer)
            elif (last := self._last.get(name)) is not None:
                held.append(replace(last, stale=answer))
            else:
                lacking.append(Lacking(profile=name, reason=answer))
        return held, lacking

    async def _held(self, session: ProfileSession) -> Held:
        name, at = session.ctx.profile.name, self.clock.now()
        account = await session.ctx.refresh_account()
        balances = (await session.ctx.broker.get_balances()).items
        positions = await self._positions(session)
        return Held(
            profile=name,
            at=at,
            account=account,
            balances=balances,
            positions=tuple(sorted(positions, key=lambda row: row.position.symbol)),
            day_pl=self.day_pl(name),
            broker=session.ctx.profile.broker,
        )

    async def _positions(self, session: ProfileSession) -> list[ProfilePosition]:
        told = (await session.ctx.broker.get_positions()).items
        for position in told:
            if marked_by(position) == "" and position.qty:
                self._look_up(session, position.symbol)
        return [self._row(session, position) for position in told]

    def _look_up(self, session: ProfileSession, symbol: str) -> None:
        """Have a price asked for that nobody has told yet, now and then; nobody waits for it."""
        ctx, now_s = session.ctx, self.clock.monotonic()
        place = (ctx.profile.name, symbol)
        is_early = now_s - self._looked_up.get(place, -inf) < PRICE_S
        if is_early or session.state is not SessionState.READY or ctx.heard(symbol) is not None:
            return
        self._looked_up.pop(place, None)
        while len(self._looked_up) >= UNLISTED_MOST:
            del self._looked_up[next(iter(self._looked_up))]
        self._looked_up[place] = now_s
        ctx.spawn(ctx.fresh_reference(symbol), name=f"price:{symbol}")

    def _row(self, session: ProfileSession, position: Position) -> ProfilePosition:
        ctx, symbol = session.ctx, position.symbol
        heard, multiplier = ctx.heard(symbol), ctx.scales.multiplier(symbol)
        mark = None if heard is None else heard[1].mark  # a cost, or what an order asks, will do for limits alone
        if asset_class_of(symbol) is AssetClass.FX:
            multiplier = Decimal(1)  # values of a pair are in its quote currency; the venue's conversion is for limits
        own = "" if ctx.account is None else ctx.account.currency
        contract, now = OptionContract.parse(symbol), self.clock.now()
        whose = marked_by(position)
        if not whose and mark is not None:
            position, whose = marked(position, mark, multiplier), "desk"
        return ProfilePosition(
            profile=ctx.profile.name,
            position=position,
            realized_pl=ctx.book.realized(symbol) * multiplier,
            option=None
            if contract is None
            else HeldOption(
                contract=contract,
                multiplier=multiplier,
                expires_today=contract.expires_on(now),
                expired=is_over(contract, now),
            ),
            marked_by=whose,
            currency=quote_of(symbol) or ctx.scales.currency(symbol) or own,
        )

    async def one(self, session: ProfileSession) -> list[ProfilePosition]:
        """What one profile holds; raises what its venue says."""
        with ours(self.log, "read.unforeseen", profile=session.ctx.profile.name):
            return await self._positions(session)

    async def _within(self, seconds: float, asked: Mapping[ProfileName, Awaitable[T]]) -> dict[ProfileName, T | str]:
        """Each answer, or why there is none, as text; in the order of the questions."""
        tasks = {name: asyncio.ensure_future(self._answer(name, question)) for name, question in asked.items()}
        if not tasks:
            return {}
        timer = asyncio.ensure_future(self.clock.sleep(seconds))
        everything = asyncio.ensure_future(asyncio.wait(tasks.values()))
        try:
            await asyncio.wait([timer, everything], return_when=asyncio.FIRST_COMPLETED)
            late = f"no answer within {seconds:g} s"
            return {name: task.result() if task.done() else late for name, task in tasks.items()}
        finally:
            for task in (timer, everything, *tasks.values()):
                task.cancel()

    async def _answer(self, name: ProfileName, question: Awaitable[T]) -> T | str:
        try:
            with ours(self.log, "account.unforeseen", profile=name):
                return await question
        except FloorbrokerError as error:
            return error.detail

    # -- rates ------------------------------------------------------------------------------------------------------------

    async def _rates_into(self, into: str, currencies: Iterable[str]) -> dict[str, Rate]:
        """A rate for each currency that has one; the last is kept for a minute."""
        rates: dict[str, Rate] = {}
        missing = sorted(set(currencies) - {into})
        wanted: list[str] = []
        for currency in missing:
            kept = self._rates.get((currency, into))
            if kept is not None and self.clock.now() - kept.at <= RATE_AGE:
                rates[currency] = kept
            else:
                wanted.append(currency)
        found = await self._within(RATES_S, {ProfileName(one): self._rate(one, into) for one in wanted})
        for currency, rate in found.items():
            if isinstance(rate, Rate):
                rates[currency] = rate
                self._keep((currency, into), rate)
        return rates

    def _keep(self, pair: tuple[str, str], rate: Rate) -> None:
        self._rates.pop(pair, None)
        while len(self._rates) >= RATES_MOST:
            del self._rates[next(iter(self._rates))]
        self._rates[pair] = rate

    async def _rate(self, currency: str, into: str) -> Rate | None:
        """The first profile that quotes the pair, either way round; those that are ready are asked first.  None: none does."""
        for name in sorted(self.sessions, key=lambda name: (self.sessions[name].state is not SessionState.READY, name)):
            for symbol, is_inverse in ((f"{currency}/{into}", False), (f"{into}/{currency}", True)):
                quote = await self._quote(name, symbol)
                mid = None if quote is None else quote.mid
                if quote is not None and mid is not None and mid > 0:
                    rate = ROUNDED.divide(Decimal(1), mid) if is_inverse else mid
                    return Rate(currency=currency, rate=rate, source=_source(quote, name), at=self._told_at(quote))
        return None

    async def _quote(self, name: ProfileName, symbol: str) -> Quote | None:
        """A quote of one profile; None where it has none.  What a venue does not list is not asked for again for a while."""
        session = self.sessions.get(name)
        if session is None or self._is_unlisted((name, symbol)):
            return None
        try:
            with ours(self.log, "rate.unforeseen", profile=name):
                return await session.ctx.broker.get_market_data(symbol)
        except SymbolNotFound:
            self._note_unlisted((name, symbol))
        except FloorbrokerError as error:
            self.log.info("rate.unavailable", profile=name, symbol=symbol, code=error.code)
        return None

    def _is_unlisted(self, place: tuple[ProfileName, str]) -> bool:
        said_s = self._unlisted.get(place)
        return said_s is not None and self.clock.monotonic() - said_s < UNLISTED_S

    def _note_unlisted(self, place: tuple[ProfileName, str]) -> None:
        """Whoever asks for accounts names a currency, and there is no end of names: the oldest is forgotten."""
        self._unlisted.pop(place, None)
        while len(self._unlisted) >= UNLISTED_MOST:
            del self._unlisted[next(iter(self._unlisted))]
        self._unlisted[place] = self.clock.monotonic()

    def _told_at(self, quote: Quote) -> datetime:
        """The quote's own time, and never one that is still to come."""
        return min(quote.time, self.clock.now())


def marked_by(position: Position) -> str:
    """Whose price a position has as it was told: the `venue`'s, or nobody's."""
    return "" if position.market_px is None and position.market_value is None else "venue"


def marked(position: Position, mark: Decimal, multiplier: Decimal) -> Position:
    """A position at a price of our own, where its venue tells none."""
    value = position.qty * mark * multiplier
    cost = None if position.avg_px is None else position.qty * position.avg_px * multiplier
    return replace(position, market_px=mark, market_value=value, unrealized_pl=None if cost is None else value - cost)


def _source(quote: Quote, profile: ProfileName) -> str:
    return f"{quote.symbol} at {profile}" + (f" ({quote.source})" if quote.source else "")
