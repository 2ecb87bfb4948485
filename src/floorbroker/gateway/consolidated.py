"""One account made of many: plain sums over what each profile's venue told, and a word on everything that is not in them.

    Held (one per profile that told something)  ─┐
    Lacking (one per profile that did not)       ├─ consolidate ─▶ Consolidated, in one currency
    Rate (from quotes of a profile)             ─┘

Nothing is invented.  An amount without a rate is left out of its total and listed in `unconverted`; a profile without an
answer is listed in `missing`; what is older than this answer says how old.  Each of these makes `complete` false.

Profiles that share one account at a venue hold the same things; the account is counted once, with one of them.

Coins of a spot account are told twice by their venue, as balances and as positions.  Equity is the venue's own figure and holds
them once; here they count as positions, in exposure, and their balances are not counted as cash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import asset_class_of, quote_of
from floorbroker.domain.records import Account, Balance
from floorbroker.domain.values import ZERO, AssetClass, ProfileName
from floorbroker.gateway.desk import ProfilePosition

ADDING = Context(prec=1_000)  # sums are exact: no amount that may come in has so many digits
FINEST = Decimal("0.00000001")
ROUNDED = Context(prec=28)  # products with a rate, which is a quotient already


@frozen
class Held:
    """What one profile's venue told at `at` (UTC).  `stale` says why this is not its answer to the present question.

    `day_pl` is its equity less that of the day's beginning, in the account's currency; None where nobody knows that.  An account
    is known again by `broker` and its number, where both are told.
    """

    profile: ProfileName
    at: datetime
    account: Account
    balances: tuple[Balance, ...]
    positions: tuple[ProfilePosition, ...]
    day_pl: Decimal | None = None
    stale: str = ""
    broker: str = ""


@frozen
class Lacking:
    """A profile that is not in the sums, and why: nothing is known of it, or its account is there already (`shared`)."""

    profile: ProfileName
    reason: str
    shared: bool = False


@frozen
class Rate:
    """What one unit of `currency` is worth in the account's own.  `source` names the quote and whose it is."""

    currency: str
    rate: Decimal
    source: str
    at: datetime


@frozen
class Unconverted:
    """An amount that is in no total, because there was no rate for its currency."""

    what: str
    profile: ProfileName
    currency: str
    amount: Decimal


@frozen
class CashLine:
    """One currency over all profiles; `value` is `total` in the account's currency, None without a rate."""

    currency: str
    total: Decimal
    available: Decimal
    by_profile: Mapping[ProfileName, Decimal]
    rate: Rate | None = None
    value: Decimal | None = None


@frozen
class NetPosition:
    """One instrument over all profiles: signed units, and values in `currency`, which is the instrument's own.

    `market_value` and `unrealized_pl` are None unless every part tells them.
    """

    symbol: str
    currency: str
    qty: Decimal
    market_value: Decimal | None
    unrealized_pl: Decimal | None
    parts: tuple[ProfilePosition, ...]


@frozen
class Part:
    """One profile's share, in its account's own currency; `age_s` is how old it is, `stale` why it is not newer."""

    profile: ProfileName
    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    day_pl: Decimal | None
    age_s: Decimal
    stale: str = ""


@frozen
class Consolidated:
    """All profiles of an environment as one account; amounts in `currency` unless they say otherwise.

    `buying_power` is the sum of what each venue would let its own profile spend: no venue lends against another's money.
    `gross_exposure` adds up positions without their signs, profile by profile; `net_exposure` with them.  The margins and
    `day_pl` are those of the profiles that tell them, None where none does.
    """

    currency: str
    at: datetime
    complete: bool
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    initial_margin: Decimal | None
    maintenance_margin: Decimal | None
    gross_exposure: Decimal
    net_exposure: Decimal
    day_pl: Decimal | None
    cash_by_currency: tuple[CashLine, ...]
    positions: tuple[NetPosition, ...]
    profiles: tuple[Part, ...]
    missing: tuple[Lacking, ...] = ()
    unconverted: tuple[Unconverted, ...] = ()
    unvalued: tuple[str, ...] = ()  # symbols without a market value: in no exposure
    unknown_day: tuple[ProfileName, ...] = ()  # profiles that are not in `day_pl`
    rates: tuple[Rate, ...] = ()


def currencies_of(held: Iterable[Held]) -> frozenset[str]:
    """Every currency that something is told in."""
    found: set[str] = set()
    for one in held:
        found.add(one.account.currency)
        found.update(balance.currency for balance in money_of(one))
        found.update(currency_of(one, row) for row in one.positions)
    return frozenset(found)


def common_currency(held: Sequence[Held], otherwise: str = "USD") -> str:
    """The currency of most accounts; of several, the first in the alphabet."""
    told = [one.account.currency for one in held]
    return min(told, key=lambda currency: (-told.count(currency), currency), default=otherwise)


def money_of(held: Held) -> tuple[Balance, ...]:
    """Its balances without the coins that are positions too; the account's own cash where no balances are told."""
    coins = {
        row.position.symbol.partition("/")[0]
        for row in held.positions
        if asset_class_of(row.position.symbol) is AssetClass.CRYPTO
    }
    account = held.account
    told = tuple(balance for balance in held.balances if balance.currency not in coins)
    if held.balances or not account.cash:
        return told
    return (Balance(currency=account.currency, total=account.cash, available=max(account.cash, ZERO)),)


def quoted_in(symbol: str, account_currency: str) -> str:
    """The currency of a position's values: what a pair's spelling tells, else the account's."""
    return quote_of(symbol) or account_currency


def currency_of(held: Held, row: ProfilePosition) -> str:
    """What a row says that its values are in; where it does not, what its symbol and account say."""
    return row.currency or quoted_in(row.position.symbol, held.account.currency)


def add(amounts: Iterable[Decimal]) -> Decimal:
    """An exact sum, the same in any order."""
    total = ZERO
    for amount in amounts:
        total = ADDING.add(total, amount)
    return total


def consolidate(
    held: Sequence[Held], lacking: Sequence[Lacking], rates: Mapping[str, Rate], *, currency: str, at: datetime
) -> Consolidated:
    """The whole from its parts.  `rates` lead into `currency`, which needs none itself."""
    sums = _Sums(currency, rates)
    ordered, shared = _once(held)
    rows = [(one, row) for one in ordered for row in one.positions]
    values = [value for one, row in rows if (value := sums.exposure(one, row)) is not None]
    cash = [_cash_line(name, ordered, sums) for name in sorted({b.currency for one in ordered for b in money_of(one)})]
    equity = sums.of("equity", ordered, lambda one: one.account.equity)
    buying_power = sums.of("buying power", ordered, lambda one: one.account.buying_power)
    initial = sums.of("initial margin", ordered, lambda one: one.account.initial_margin)
    maintenance = sums.of("maintenance margin", ordered, lambda one: one.account.maintenance_margin)
    day_pl = sums.of("day profit and loss", ordered, lambda one: one.day_pl)
    unvalued = {row.position.symbol for _, row in rows if _worth(row) is None}
    is_old = any(one.stale for one in ordered)
    return Consolidated(
        currency=currency,
        at=at,
        complete=not (lacking or sums.left or unvalued or is_old),
        equity=equity or ZERO,
        cash=add(line.value for line in cash if line.value is not None),
        buying_power=buying_power or ZERO,
        initial_margin=initial,
        maintenance_margin=maintenance,
        gross_exposure=add(abs(value) for value in values),
        net_exposure=add(values),
        day_pl=day_pl,
        cash_by_currency=tuple(cash),
        positions=_netted(ordered),
        profiles=tuple(_part(one, at) for one in ordered),
        missing=tuple(sorted((*lacking, *shared), key=lambda one: one.profile)),
        unconverted=tuple(sums.left),
        unvalued=tuple(sorted(unvalued)),
        unknown_day=tuple(one.profile for one in ordered if one.day_pl is None),
        rates=tuple(rate for _, rate in sorted(rates.items())),
    )


def left_out(whole: Consolidated) -> tuple[str, ...]:
    """What is not in the totals, or not of now, as sentences for people; nothing when the account is complete."""
    currencies = sorted({one.currency for one in whole.unconverted})
    return (
        *(f"{one.profile} is not counted: {one.reason}" for one in whole.missing if not one.shared),
        *(f"{one.profile} is {one.age_s:.0f} s old: {one.stale}" for one in whole.profiles if one.stale),
        *(f"{currency} is not counted: no profile quotes it in {whole.currency}" for currency in currencies),
        *(f"{symbol} is in no exposure: it has no market value" for symbol in whole.unvalued),
    )


def _once(held: Iterable[Held]) -> tuple[list[Held], list[Lacking]]:
    """Each account once, by profile; one that answered now goes before one that did not."""
    first: dict[tuple[str, str], Held] = {}
    kept: list[Held] = []
    shared: list[Lacking] = []
    for one in sorted(held, key=lambda one: (bool(one.stale), one.profile)):
        number = one.account.account
        owner = first.setdefault((one.broker, number), one) if one.broker and number else one
        if owner is one:
            kept.append(one)
        else:
            reason = f"it shares its account with {owner.profile}, and is counted there"
            shared.append(Lacking(profile=one.profile, reason=reason, shared=True))
    return sorted(kept, key=lambda one: one.profile), shared


@dataclass(slots=True)
class _Sums:
    """Amounts on their way into one currency; `left` are those that could not go."""

    currency: str
    rates: Mapping[str, Rate]
    left: list[Unconverted] = field(default_factory=list[Unconverted])

    def of(self, what: str, held: Iterable[Held], told: Callable[[Held], Decimal | None]) -> Decimal | None:
        """The sum of what is told, in accounts' currencies; None when nobody tells it."""
        amounts = [(one, amount) for one in held if (amount := told(one)) is not None]
        taken = [self.take(what, one.profile, one.account.currency, amount) for one, amount in amounts]
        return add(amount for amount in taken if amount is not None) if amounts else None

    def exposure(self, one: Held, row: ProfilePosition) -> Decimal | None:
        """What a position is worth; None without a value or a rate."""
        value = _worth(row)
        if value is None:
            return None
        return self.take("exposure", one.profile, currency_of(one, row), value)

    def take(self, what: str, profile: ProfileName, currency: str, amount: Decimal) -> Decimal | None:
        converted = self.converted(currency, amount)
        if converted is None:
            self.left.append(Unconverted(what=what, profile=profile, currency=currency, amount=amount))
        return converted

    def converted(self, currency: str, amount: Decimal) -> Decimal | None:
        if currency == self.currency or amount == 0:
            return amount
        rate = self.rates.get(currency)
        return None if rate is None else _kept(ROUNDED.multiply(amount, rate.rate))


def _kept(product: Decimal) -> Decimal:
    """A converted amount to eight places: finer is no coin, and no rate."""
    rounded = ADDING.quantize(product, FINEST)
    return product if product == rounded else rounded


def _cash_line(currency: str, held: Sequence[Held], sums: _Sums) -> CashLine:
    rows = [(one.profile, balance) for one in held for balance in money_of(one) if balance.currency == currency]
    total = add(balance.total for _, balance in rows)
    value = sums.converted(currency, total)
    if value is None:
        sums.left += [
            Unconverted(what="cash", profile=profile, currency=currency, amount=balance.total)
            for profile, balance in rows
        ]
    return CashLine(
        currency=currency,
        total=total,
        available=add(balance.available for _, balance in rows),
        by_profile={profile: add(balance.total for owner, balance in rows if owner == profile) for profile, _ in rows},
        rate=sums.rates.get(currency),
        value=value,
    )


def _worth(row: ProfilePosition) -> Decimal | None:
    """Its market value, in the currency it is quoted in."""
    position = row.position
    if position.market_value is not None or position.qty == 0:
        return position.market_value or ZERO
    return None if position.market_px is None else ADDING.multiply(position.qty, position.market_px)


def _netted(held: Sequence[Held]) -> tuple[NetPosition, ...]:
    """By instrument and the currency of its values: what two venues call by one name and pay in two is not one thing."""
    rows: dict[tuple[str, str], list[ProfilePosition]] = {}
    for one in held:
        for row in one.positions:
            key = (row.position.symbol, currency_of(one, row))
            rows.setdefault(key, []).append(row)
    return tuple(_net(symbol, currency, parts) for (symbol, currency), parts in sorted(rows.items()))


def _net(symbol: str, currency: str, parts: Sequence[ProfilePosition]) -> NetPosition:
    return NetPosition(
        symbol=symbol,
        currency=currency,
        qty=add(row.position.qty for row in parts),
        market_value=_all([_worth(row) for row in parts]),
        unrealized_pl=_all([row.position.unrealized_pl for row in parts]),
        parts=tuple(parts),
    )


def _all(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """Their sum, when every one of them is told."""
    told = [amount for amount in amounts if amount is not None]
    return add(told) if len(told) == len(amounts) else None


def _part(one: Held, at: datetime) -> Part:
    age = at - one.at
    return Part(
        profile=one.profile,
        currency=one.account.currency,
        equity=one.account.equity,
        cash=one.account.cash,
        buying_power=one.account.buying_power,
        day_pl=one.day_pl,
        age_s=max(Decimal(age.days * 86_400 + age.seconds) + Decimal(age.microseconds).scaleb(-6), ZERO),
        stale=one.stale,
    )
