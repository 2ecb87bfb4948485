"""The risk report of a desk: what its accounts hold and owe, asked of the venues, and what a bad day may cost by history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import Account, Position
from floorbroker.domain.values import ZERO
from floorbroker.oms.account import AccountContext
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.book import RiskBook
from floorbroker.risk.metrics import CONFIDENCES, Holding, Report, ValueAtRisk, by_symbol, exposures, value_at_risk

DAY_S = 86_400
HISTORY = timedelta(days=400)
CLOSES_MAX = 400


@frozen
class _Side:
    """One account as it was found."""

    ctx: AccountContext
    account: Account
    holdings: tuple[Holding, ...]
    rate: Decimal | None


@dataclass(slots=True)
class Measure:
    """Reads accounts and history; changes nothing."""

    risk: RiskBook

    async def report(self, accounts: Iterable[AccountContext], *, with_history: bool) -> Report:
        """Over several accounts, in the desk's base currency; each account's own report is a part, in its own."""
        found: list[_Side] = []
        unknown: list[str] = []
        for ctx in accounts:
            try:
                with ours(ctx.log, "risk.unforeseen", profile=ctx.profile.name):
                    found.append(await self._look(ctx))
            except FloorbrokerError as error:
                unknown.append(f"{ctx.profile.name}: {error.detail}")
        parts = [await self._one(side, with_history=with_history) for side in found]
        unknown += [
            f"{side.ctx.profile.name}: no rate for {side.account.currency}" for side in found if side.rate is None
        ]
        known = [side for side in found if side.rate is not None]
        whole = await self._measured(
            [_at_rate(holding, side.rate) for side in known for holding in side.holdings],
            known,
            equity=sum((side.account.equity * (side.rate or ZERO) for side in known), ZERO),
            with_history=with_history,
        )
        gains = [self._gain(side) for side in known]
        return replace(
            whole,
            profile=None,
            currency=self.risk.base,
            day_pl=None if None in gains else sum((gain for gain in gains if gain is not None), ZERO),
            unknown=(*unknown, *whole.unknown),
            parts=tuple(parts),
        )

    def _gain(self, side: _Side) -> Decimal | None:
        """Since the day began, in the base currency."""
        standing = self.risk.equities.get(side.ctx.profile.name)
        if standing is None or not standing.is_known or side.rate is None:
            return None
        return (standing.now - standing.opened) * side.rate

    async def one(self, ctx: AccountContext, *, with_history: bool) -> Report:
        """One account, in its own currency.  Raises what the venue's reads raise."""
        with ours(ctx.log, "risk.unforeseen", profile=ctx.profile.name):
            side = await self._look(ctx)
        return await self._one(side, with_history=with_history)

    async def _one(self, side: _Side, *, with_history: bool) -> Report:
        standing = self.risk.equities.get(side.ctx.profile.name)
        is_known = standing is not None and standing.is_known
        found = await self._measured(list(side.holdings), [side], equity=side.account.equity, with_history=with_history)
        return replace(
            found,
            profile=side.ctx.profile.name,
            currency=side.account.currency,
            day_pl=standing.now - standing.opened if standing is not None and is_known else None,
            drawdown_pct=standing.drawdown_pct if standing is not None and is_known else None,
        )

    async def _look(self, ctx: AccountContext) -> _Side:
        account = await ctx.refresh_account()
        positions = (await ctx.broker.get_positions()).items
        ctx.on_positions(positions)
        holdings = [_held(ctx, position) for position in positions if position.qty]
        return _Side(ctx=ctx, account=account, holdings=tuple(holdings), rate=self.risk.rate_of(account.currency))

    async def _measured(
        self, holdings: list[Holding], sides: list[_Side], *, equity: Decimal, with_history: bool
    ) -> Report:
        """What is the same for one account and for several."""
        gross, net, leverage, concentration = exposures(holdings, equity)
        return Report(
            profile=None,
            currency="",
            equity=equity,
            gross_exposure=gross,
            net_exposure=net,
            leverage=leverage,
            concentration=concentration,
            open_orders=sum(len(side.ctx.book.open_orders()) for side in sides),
            day_pl=None,
            drawdown_pct=None,
            unknown=tuple(
                f"{holding.symbol}: {_lacking(holding, sides)}" for holding in holdings if holding.value is None
            ),
            value_at_risk=await self._at_risk(holdings, sides) if with_history else (),
        )

    async def _at_risk(self, holdings: list[Holding], sides: list[_Side]) -> tuple[ValueAtRisk, ...]:
        """From the daily closes of whichever account holds the symbol."""
        untold = {
            h.symbol for h in holdings if h.value is None
        }  # of which an account may hold some and not say its worth
        values = dict.fromkeys(untold, ZERO) | by_symbol(holdings)
        contexts = {side.ctx.profile.name: side.ctx for side in sides}
        closes = {h.symbol: await _closes(contexts[h.profile], h.symbol) for h in holdings if h.value is not None}
        found = [value_at_risk(values, closes, confidence) for confidence in CONFIDENCES]
        return tuple(replace(one, missing=tuple(sorted(untold.union(one.missing)))) for one in found)


def _held(ctx: AccountContext, position: Position) -> Holding:
    """A position in its account's currency; without a value where price or rate are not known."""
    mark, scale = ctx.share.worth(position.symbol)
    value = None if mark is None or scale is None else position.qty * mark * scale
    return Holding(profile=ctx.profile.name, symbol=position.symbol, value=value)


def _lacking(holding: Holding, sides: Iterable[_Side]) -> str:
    """Why a holding has no value."""
    ctx = next(side.ctx for side in sides if side.ctx.profile.name == holding.profile)
    if ctx.scales(holding.symbol) is not None:
        return "no price"
    return f"no rate for {ctx.scales.currency(holding.symbol)}"


def _at_rate(holding: Holding, rate: Decimal | None) -> Holding:
    value = holding.value * rate if holding.value is not None and rate is not None else None
    return replace(holding, value=value)


async def _closes(ctx: AccountContext, symbol: str) -> Mapping[date, Decimal]:
    """Daily closes by day; none where the venue gives none, which the report says."""
    now = ctx.clock.now()
    try:
        with ours(ctx.log, "risk.unforeseen", profile=ctx.profile.name):
            bars = await ctx.broker.get_bars(symbol, span_s=DAY_S, start=now - HISTORY, end=now, limit=CLOSES_MAX)
    except FloorbrokerError as error:
        ctx.log.warning("risk.no_history", symbol=symbol, code=error.code)
        return {}
    return {bar.start.date(): bar.close for bar in bars}
