"""What options ask of the controls: when a contract ends, and what money an order of options ties up at worst.

Rules as every exchange and clearing house has them: a long option can lose its premium and nothing more; a written put may have
to buy its shares at the strike, a written call must deliver shares and has no bound unless they are held.
https://www.theocc.com/company-information/documents-and-archives/options-disclosure-document
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.options import OptionContract, worst_loss
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.values import ZERO, PositionIntent
from floorbroker.matching import XNYS

CLOSING = frozenset({PositionIntent.BUY_TO_CLOSE, PositionIntent.SELL_TO_CLOSE})
_DAYS_MAX = 7  # no market rests for longer
_LATE = timedelta(minutes=15)


def last_close(contract: OptionContract) -> datetime:
    """The close of its last trading day (UTC); one that expires on a holiday ends the trading day before."""
    day = contract.expiry
    while (session := XNYS.session(day)) is None:
        day -= timedelta(days=1)
    return session.close


def is_over(contract: OptionContract, at: datetime) -> bool:
    """Whether it trades no more: from a quarter of an hour after its last close on.

    Options on some funds and indices trade that much longer; of others the venue says no by itself.
    """
    return _is_near(contract, at) and at >= last_close(contract) + _LATE


def may_have_ended(contract: OptionContract, at: datetime) -> bool:
    """Whether its last close is behind, so that a venue may have settled it."""
    return _is_near(contract, at) and at >= last_close(contract)


def _is_near(contract: OptionContract, at: datetime) -> bool:
    """Whether the calendar has to be looked at: of most contracts the day is far away."""
    return contract.expiry - at.date() <= timedelta(days=_DAYS_MAX)


def expired_of(wish: NewOrder, at: datetime) -> OptionContract | None:
    """The first contract of an order that trades no more; None when all do."""
    for symbol in [leg.symbol for leg in wish.legs] or [wish.symbol]:
        contract = OptionContract.parse(symbol)
        if contract is not None and is_over(contract, at):
            return contract
    return None


def tied_up(contract: OptionContract, *, opened: Decimal, shares: Decimal, multiplier: Decimal) -> Decimal | None:
    """Money that writing so many contracts ties up at worst; None when nothing bounds it.

    A put asks for its shares' price at the strike.  A call asks for `shares` of the underlying that no other call stands on.
    """
    if contract.is_put:
        return opened * contract.strike * multiplier
    return ZERO if opened * multiplier <= shares else None


def free_shares(root: str, left: Iterable[tuple[str, Decimal]], multiplier: Decimal) -> Decimal:
    """Shares of an underlying that no written call stands on.

    `left` are signed units by symbol once everything that may still be sold is sold.  A class of shares is spelled with its
    point in a symbol, and without in the root of its options.
    """
    free = ZERO
    for symbol, units in left:
        contract = OptionContract.parse(symbol)
        if contract is None:
            free += units if symbol.replace(".", "") == root else ZERO
        elif contract.root == root and not contract.is_put and units < 0:
            free += units * multiplier
    return max(free, ZERO)


def strategy_loss(legs: Iterable[OrderLeg]) -> Decimal | None:
    """The most that one unit of the strategy can owe at expiry, a share, its net price left out; None without a bound.

    Legs that close a position owe nothing more.
    """
    known: list[tuple[Decimal, OptionContract]] = []
    for leg in legs:
        contract = OptionContract.parse(leg.symbol)
        if contract is not None and leg.position_intent not in CLOSING:
            known.append((leg.side.sign * leg.ratio_qty, contract))
    return worst_loss(known)
