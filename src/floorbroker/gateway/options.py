"""Chains of options and sizes of option orders, asked of one profile's broker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import cast

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FieldError, InvalidRequest, NotSupported
from floorbroker.domain.options import OptionChain, OptionContract, for_hedge, within_budget
from floorbroker.domain.ports import OptionChains
from floorbroker.domain.values import ZERO
from floorbroker.gateway.desk import SizeAsk, Sized
from floorbroker.oms.account import AccountContext


async def chain(ctx: AccountContext, underlying: str, expiry: date | None) -> OptionChain:
    """One expiration.  Raises `NotSupported` where the broker tells no chains, `InvalidRequest` for an option's symbol."""
    info = ctx.broker.info
    if Can.OPTION_CHAIN not in info.can:
        raise NotSupported(f"{info.name} tells no option chains here")
    if OptionContract.parse(underlying) is not None:
        raise _refused("underlying", 'name the share, like "AAPL": an option has no options')
    return await cast("OptionChains", ctx.broker).get_option_chain(underlying, expiry)


async def size(ctx: AccountContext, ask: SizeAsk) -> Sized:
    """The size that was asked for.  Raises `InvalidRequest` naming what is missing or makes no sense."""
    contract = OptionContract.read(ask.symbol)
    instrument = await ctx.instrument(contract.symbol)
    premium = ask.premium if ask.premium is not None else await _asked_now(ctx, contract.symbol)
    account = ctx.account or await ctx.refresh_account()
    if ask.ratio is not None:
        if not contract.is_put:
            raise _refused("ratio", "a call protects no shares: give a budget, or name a put")
        shares = ask.shares if ask.shares is not None else _held(ctx, contract)
        found = for_hedge(
            shares,
            ratio=ask.ratio,
            premium=premium,
            multiplier=instrument.multiplier,
            fee_each=ask.fee_each,
            budget=ask.budget,
        )
    elif ask.budget is not None:
        found = within_budget(ask.budget, premium=premium, multiplier=instrument.multiplier, fee_each=ask.fee_each)
    else:
        raise _refused("budget", "give a budget, a ratio of the shares to protect, or both")
    return Sized(
        symbol=contract.symbol,
        profile=ctx.profile.name,
        size=found,
        currency=instrument.currency,
        spendable=account.option_buying_power,
    )


async def _asked_now(ctx: AccountContext, symbol: str) -> Decimal:
    """What the market asks a share; never the last price, which nobody may sell at any more."""
    quote = await ctx.broker.get_market_data(symbol)
    ctx.on_quote(quote)
    if quote.ask is None:
        raise _refused("premium", "nobody offers this option now: say what you would pay")
    return quote.ask


def _held(ctx: AccountContext, contract: OptionContract) -> Decimal:
    """Long shares of the underlying by our own books; a class of shares has a point in its symbol, and none in a root."""
    held = ctx.book.holdings.all()
    return sum((qty for symbol, qty in held.items() if symbol.replace(".", "") == contract.root and qty > 0), ZERO)


def _refused(name: str, detail: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name}: {detail}", fields=(FieldError(pointer=f"/{name}", code="not_valid", detail=detail),)
    )
