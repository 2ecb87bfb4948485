"""Option chains, sizes, and what a position in an option says of its contract, as JSON."""

from __future__ import annotations

from floorbroker.api.views.shape import View, text, when, word
from floorbroker.domain.options import ListedOption, OptionChain
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.desk import HeldOption, Sized


class ListedOptionView(View, frozen=True):
    """One contract.  Prices are a share; one contract is about `multiplier` of them.  What the venue does not tell is null."""

    symbol: str
    right: str
    strike: str
    multiplier: str
    style: str | None
    bid: str | None
    ask: str | None
    bid_size: str | None
    ask_size: str | None
    last: str | None
    open_interest: str | None
    time: str | None


class ChainView(View, frozen=True):
    """One expiration of the options on a share; `expirations` are all that may be asked for.

    `left_out` counts strikes that the venue lists and was not asked for yet, since it tells them one by one: ask again, and the
    next ones come.  `note` says so for people.
    """

    underlying: str
    expiry: str
    expirations: tuple[str, ...]
    contracts: tuple[ListedOptionView, ...]
    asked_at: str
    source: str
    left_out: int
    note: str


class SizeView(View, frozen=True):
    """How many contracts, and what they cost: `total = contracts x (premium x multiplier + fee_each)`, never above the budget."""

    symbol: str
    profile: str
    contracts: int
    premium: str
    multiplier: str
    fee_each: str
    each: str
    total: str
    currency: str
    option_buying_power: str | None
    why: str


class OptionView(View, frozen=True):
    """What a position in an option is about.  `expires_today` by New York's day; an `expired` one waits for its settlement."""

    root: str
    expiry: str
    right: str
    strike: str
    multiplier: str
    expires_today: bool
    expired: bool


RIGHTS = {"C": "call", "P": "put"}


def chain_view(chain: OptionChain, right: str | None = None) -> ChainView:
    """The chain, or its puts or calls alone."""
    rows = [row for row in chain.contracts if right in (None, RIGHTS[row.contract.right])]
    return ChainView(
        underlying=chain.underlying,
        expiry=chain.expiry.isoformat(),
        expirations=tuple(day.isoformat() for day in chain.expirations),
        contracts=tuple(map(_row, rows)),
        asked_at=time_text(chain.asked_at),
        source=chain.source,
        left_out=chain.left_out,
        note=chain.note,
    )


def _row(row: ListedOption) -> ListedOptionView:
    return ListedOptionView(
        symbol=row.contract.symbol,
        right=RIGHTS[row.contract.right],
        strike=text_of(row.contract.strike),
        multiplier=text_of(row.multiplier),
        style=word(row.style),
        bid=text(row.bid),
        ask=text(row.ask),
        bid_size=text(row.bid_size),
        ask_size=text(row.ask_size),
        last=text(row.last),
        open_interest=text(row.open_interest),
        time=when(row.time),
    )


def size_view(found: Sized) -> SizeView:
    """The size, and what it comes to."""
    size = found.size
    return SizeView(
        symbol=found.symbol,
        profile=found.profile,
        contracts=size.contracts,
        premium=text_of(size.premium),
        multiplier=text_of(size.multiplier),
        fee_each=text_of(size.fee_each),
        each=text_of(size.each),
        total=text_of(size.total),
        currency=found.currency,
        option_buying_power=text(found.spendable),
        why=size.why,
    )


def option_view(held: HeldOption) -> OptionView:
    """The contract of a position."""
    contract = held.contract
    return OptionView(
        root=contract.root,
        expiry=contract.expiry.isoformat(),
        right=RIGHTS[contract.right],
        strike=text_of(contract.strike),
        multiplier=text_of(held.multiplier),
        expires_today=held.expires_today,
        expired=held.expired,
    )
