"""Listed options: the contract behind an OCC symbol, chains of them, what expiry does, and how many contracts a purpose needs.

An OCC symbol is a root of up to six letters and digits padded with spaces, the day of expiry as YYMMDD, `C` or `P`, and the
strike in thousandths of a dollar on eight digits.  https://en.wikipedia.org/wiki/Option_symbol#The_OCC_Option_Symbol
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ZERO, NotExact, Price, Word, decimal_of

OCC_LENGTH = 21
OCC_ROOT = 6
OCC_TAIL = OCC_LENGTH - OCC_ROOT
STRIKE_SCALE = Decimal(1000)
STRIKE_MAX = Decimal("99999.999")
SHARES = Decimal(100)  # what a listed option is about, where the venue does not tell otherwise
NEW_YORK = ZoneInfo("America/New_York")
_RIGHTS = {"C": "C", "P": "P", "CALL": "C", "PUT": "P"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContract:
    """One listed option, read from or written to OCC form (`AAPL  260320P00150000`).  `strike` is in dollars a share.

    `root` is what the exchanges write: that of `BRK.B` is `BRKB`, that of weekly index options `SPXW`, and an adjusted contract
    has a digit behind it.  Only a venue can tell the underlying from it.
    """

    root: str
    expiry: date
    right: str  # "C" or "P"
    strike: Decimal

    @classmethod
    def parse(cls, symbol: str) -> OptionContract | None:
        """The contract behind a padded or unpadded OCC symbol; None when it is not one."""
        if not OCC_TAIL < len(symbol) <= OCC_LENGTH:  # a share, as nearly every symbol that is asked about
            return None
        text = symbol if len(symbol) == OCC_LENGTH else symbol[:-OCC_TAIL].ljust(OCC_ROOT) + symbol[-OCC_TAIL:]
        root, tail = text[:OCC_ROOT].strip(), text[OCC_ROOT:]
        if len(text) != OCC_LENGTH or not text.isascii() or not root.isalnum():
            return None  # other alphabets have digits as well, and `²` is one to `isdigit`
        if tail[6] not in "CP" or not (tail[:6] + tail[7:]).isdigit():
            return None
        try:
            expiry = date(2000 + int(tail[:2]), int(tail[2:4]), int(tail[4:6]))
        except ValueError:
            return None
        return cls(root=root, expiry=expiry, right=tail[6], strike=Decimal(tail[7:]) / STRIKE_SCALE)

    @classmethod
    def read(cls, symbol: str) -> OptionContract:
        """The same, for outside text.  Raises `InvalidRequest`, which names what is wrong: root, expiry, right or strike."""
        found = cls.parse(symbol)
        if found is not None and found.strike > 0 and found.root.isupper():
            return found
        raise _refused(wrong_parts(symbol))

    @classmethod
    def of(cls, *, underlying: str, expiry: str, right: str, strike: str) -> OptionContract:
        """From four texts (`AAPL`, `2026-03-20`, `put` or `P`, `150`).  Raises `InvalidRequest` naming each wrong one."""
        root, wrong = underlying.strip().upper().replace(".", ""), list[FieldError]()
        if not _is_root(root):
            wrong.append(_wrong("underlying", 'write the share it is about, like "AAPL"'))
        day = _day(expiry)
        if day is None:
            wrong.append(_wrong("expiry", 'write the day of expiry, like "2026-03-20"'))
        side = _RIGHTS.get(right.strip().upper(), "")
        if not side:
            wrong.append(_wrong("right", 'write "put" or "call"'))
        price = _strike(strike)
        if price is None:
            wrong.append(_wrong("strike", 'write a strike in dollars above zero, to the thousandth, like "150"'))
        if day is None or price is None or wrong:
            raise _refused(tuple(wrong))
        return cls(root=root, expiry=day, right=side, strike=price)

    @property
    def symbol(self) -> str:
        """The padded OCC form, our inside spelling."""
        return f"{self.root.ljust(OCC_ROOT)}{self._tail}"

    @property
    def compact(self) -> str:
        """The form without spaces, as most venues write it."""
        return f"{self.root}{self._tail}"

    @property
    def _tail(self) -> str:
        return f"{self.expiry:%y%m%d}{self.right}{int(self.strike * STRIKE_SCALE):08d}"

    @property
    def is_put(self) -> bool:
        return self.right == "P"

    def inner(self, spot: Decimal) -> Decimal:
        """What exercise would bring at a price of the underlying, a share; never below zero."""
        return max(self.strike - spot if self.is_put else spot - self.strike, ZERO)

    def expires_on(self, at: datetime) -> bool:
        """Whether a moment lies on its day of expiry, New York time."""
        return at.astimezone(NEW_YORK).date() == self.expiry

    def is_past(self, at: datetime) -> bool:
        """Whether its day of expiry is over, New York time; when trading ends on that day is the calendar's to say."""
        return at.astimezone(NEW_YORK).date() > self.expiry

    def delivers(self, qty: Decimal, multiplier: Decimal = SHARES) -> Decimal:
        """Signed shares that come to the holder of `qty` signed contracts when they are exercised, or assigned."""
        return -qty * multiplier if self.is_put else qty * multiplier


def _is_root(root: str) -> bool:
    return 0 < len(root) <= OCC_ROOT and root.isascii() and root.isalnum() and root.isupper()


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2099 else None


def _strike(text: str) -> Decimal | None:
    try:
        value = decimal_of(text.strip())
    except NotExact:
        return None
    return value if 0 < value <= STRIKE_MAX and value * STRIKE_SCALE % 1 == 0 else None


def _wrong(name: str, detail: str) -> FieldError:
    return FieldError(pointer=f"/{name}", code="not_valid", detail=detail)


def _refused(wrong: tuple[FieldError, ...]) -> InvalidRequest:
    told = "; ".join(f"{one.pointer[1:]}: {one.detail}" for one in wrong)
    return InvalidRequest(f"no option contract: {told}", fields=wrong)


def wrong_parts(symbol: str) -> tuple[FieldError, ...]:
    """Which parts of a text keep it from being an OCC symbol, each with what would be right."""
    if len(symbol) <= OCC_TAIL or len(symbol) > OCC_LENGTH:
        return (_wrong("symbol", 'write root, YYMMDD, C or P, and eight digits of strike, like "AAPL260320P00150000"'),)
    root, tail = symbol[:-OCC_TAIL].strip(), symbol[-OCC_TAIL:]
    day, right, strike = tail[:6], tail[6], tail[7:]
    found = list[FieldError]()
    if not _is_root(root):
        found.append(_wrong("root", "one to six capital letters and digits"))
    if not (day.isascii() and day.isdigit()) or _day(f"20{day[:2]}-{day[2:4]}-{day[4:]}") is None:
        found.append(_wrong("expiry", "a day of the calendar as YYMMDD"))
    if right not in "CP":
        found.append(_wrong("right", "C or P"))
    if not (strike.isascii() and strike.isdigit()) or not int(strike):
        found.append(_wrong("strike", "thousandths of a dollar above zero, on eight digits"))
    return tuple(found) or (_wrong("symbol", "no OCC symbol"),)


# -- chains -------------------------------------------------------------------------------------------------------------


class Style(Word):
    """When an option may be exercised."""

    AMERICAN = "american"  # any day
    EUROPEAN = "european"  # on its last day alone


@frozen
class ListedOption:
    """One contract of a chain.  What the venue does not tell is None; prices are a share, sizes and interest in contracts."""

    contract: OptionContract
    underlying: str  # in our spelling
    multiplier: Decimal = SHARES
    style: Style | None = None
    bid: Price | None = None
    ask: Price | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Price | None = None
    open_interest: Decimal | None = None
    time: datetime | None = None  # of the quote, UTC


@frozen
class OptionChain:
    """The contracts of one expiration, by strike and right, and every day on which contracts on the underlying expire.

    `left_out` counts strikes that the venue lists and nobody asked it for yet: a chain is whole where it is 0, and who asks again
    is told more.  `note` says for people what is missing, and how to come by it; empty when nothing is.
    """

    underlying: str
    expiry: date
    expirations: tuple[date, ...]
    contracts: tuple[ListedOption, ...]
    asked_at: datetime  # our wall time of the first question, UTC
    source: str = ""
    left_out: int = 0
    note: str = ""


def in_order(contracts: Iterable[ListedOption]) -> tuple[ListedOption, ...]:
    """By strike, the call before the put."""
    return tuple(sorted(contracts, key=lambda one: (one.contract.strike, one.contract.right, one.contract.root)))


def chosen_expiry(expirations: Iterable[date], wanted: date | None, *, today: date) -> date | None:
    """The day that is wanted, when it is listed; without a wish the next to come.  None: there is no such day."""
    days = sorted(set(expirations))
    if wanted is not None:
        return wanted if wanted in days else None
    return next((day for day in days if day >= today), None)


# -- the end of a contract ------------------------------------------------------------------------------------------------


class Ending(Word):
    """How contracts leave an account without a trade."""

    EXPIRED = "expired worthless"
    EXERCISED = "exercised"  # by the holder, or for them at expiry
    ASSIGNED = "assigned"  # to the writer
    UNTOLD = "expired, and nobody tells how"


@frozen
class OptionEvent:
    """What a venue told of contracts that ended: signed contracts that were held before, on `day` (New York)."""

    symbol: str
    ending: Ending
    qty: Decimal
    day: date


# -- sizes --------------------------------------------------------------------------------------------------------------


@frozen
class Size:
    """How many contracts, what each costs and what all of them do, fees included; money in the contract's currency.

    `why` is one sentence for people.
    """

    contracts: int
    premium: Decimal  # a share
    multiplier: Decimal
    fee_each: Decimal
    why: str = field(default="")

    @property
    def each(self) -> Decimal:
        return self.premium * self.multiplier + self.fee_each

    @property
    def total(self) -> Decimal:
        return self.contracts * self.each


def within_budget(budget: Decimal, *, premium: Decimal, multiplier: Decimal = SHARES, fee_each: Decimal = ZERO) -> Size:
    """The most contracts whose premium and fees do not exceed `budget` (money); none when one is too dear.

    Raises `InvalidRequest` for a budget below zero, a premium or multiplier that is not positive, or a negative fee.
    """
    size = _sized(premium=premium, multiplier=multiplier, fee_each=fee_each)
    if budget < 0:
        raise _refused((_wrong("budget", "an amount of money, zero or more"),))
    count = int(WIDE.divide(budget, size.each).to_integral_value(rounding=ROUND_FLOOR))
    why = f"{count} x {size.each:,.2f} within {budget:,.2f}"
    return Size(contracts=count, premium=premium, multiplier=multiplier, fee_each=fee_each, why=why)


def for_hedge(
    shares: Decimal,
    *,
    ratio: Decimal,
    premium: Decimal,
    multiplier: Decimal = SHARES,
    fee_each: Decimal = ZERO,
    budget: Decimal | None = None,
) -> Size:
    """Long puts over a part of long `shares`: never over more than `ratio` of them (1 is all), nor dearer than `budget`.

    Raises `InvalidRequest` for a ratio outside 0 to 1, and for shares that are not held long.
    """
    size = _sized(premium=premium, multiplier=multiplier, fee_each=fee_each)
    if not 0 < ratio <= 1:
        raise _refused((_wrong("ratio", "above 0 and up to 1, which covers every share"),))
    if shares <= 0:
        raise _refused((_wrong("shares", "a put protects shares that are held; none are"),))
    wanted = shares * ratio
    count = int(WIDE.divide(wanted, multiplier).to_integral_value(rounding=ROUND_FLOOR))
    why = f"{count * multiplier:f} of {shares:f} shares covered, {wanted:f} wished for"
    if budget is not None:
        most = within_budget(budget, premium=premium, multiplier=multiplier, fee_each=fee_each).contracts
        if most < count:
            count, why = (
                most,
                f"the budget of {budget:,.2f} covers {most * multiplier:f} of {wanted:f} shares wished for",
            )
    return Size(contracts=count, premium=premium, multiplier=multiplier, fee_each=size.fee_each, why=why)


def _sized(*, premium: Decimal, multiplier: Decimal, fee_each: Decimal) -> Size:
    wrong = [
        _wrong(name, "a number above zero")
        for name, value in (("premium", premium), ("multiplier", multiplier))
        if value <= 0
    ]
    if fee_each < 0:
        wrong.append(_wrong("fee_each", "a fee, zero or more"))
    if wrong:
        raise _refused(tuple(wrong))
    return Size(contracts=0, premium=premium, multiplier=multiplier, fee_each=fee_each)


@frozen
class Premium:
    """What an order of options pays, or gets: `total = price x multiplier x contracts`, in `currency`, the price a share.

    None where there is no price to reckon with; `power` is what the account says that options may cost.
    """

    price: Decimal | None
    multiplier: Decimal
    total: Decimal | None
    currency: str
    power: Decimal | None = None


# -- what an order can lose -----------------------------------------------------------------------------------------------


def worst_loss(legs: Iterable[tuple[Decimal, OptionContract]]) -> Decimal | None:
    """The most that signed contracts can be worth against their holder at expiry, a share; None when nothing bounds it.

    Between strikes the worth is a straight line, so strikes, zero and the slope above the last strike tell all.  A long leg
    that ends before a short one does not protect it, and counts for nothing.
    """
    known = list(legs)
    last_short = max((contract.expiry for qty, contract in known if qty < 0), default=None)
    if last_short is None:
        return ZERO
    counted = [(qty, contract) for qty, contract in known if qty < 0 or contract.expiry >= last_short]
    if sum((qty for qty, contract in counted if not contract.is_put), ZERO) < 0:
        return None
    points = [ZERO, *(contract.strike for _, contract in counted)]
    least = min(sum((qty * contract.inner(spot) for qty, contract in counted), ZERO) for spot in points)
    return max(-least, ZERO)


def whole_contracts(shares: Decimal, multiplier: Decimal = SHARES) -> int:
    """How many contracts so many shares stand behind, none of them in part."""
    return int(WIDE.divide(shares, multiplier).to_integral_value(rounding=ROUND_FLOOR)) if shares > 0 else 0
