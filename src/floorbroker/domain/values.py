"""Exact numbers, identifiers and the words of trading (FIX names in snake_case)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from enum import Enum
from typing import NewType

Price = NewType("Price", Decimal)  # quote currency per unit
Quantity = NewType("Quantity", Decimal)  # units of the instrument; never negative in orders and fills

IntentId = NewType("IntentId", str)  # our id of one wish to trade, a UUIDv7; the public `id` of an order
ClOrdId = NewType("ClOrdId", str)  # ours, as the venue sees it
OrderId = NewType("OrderId", str)  # the venue's
ExecId = NewType("ExecId", str)  # the venue's id of one execution
ProfileName = NewType("ProfileName", str)

ZERO = Decimal(0)
MAX_DIGITS = 38
MAX_EXPONENT = 20
WIDE = Context(prec=4 * MAX_DIGITS)  # room for the quotient of any two numbers that `decimal_of` lets in


class NotExact(ValueError):
    """A number that is not an exact, finite, sensibly sized decimal."""


def decimal_of(raw: str | int | Decimal) -> Decimal:
    """An exact decimal from text or an integer.

    Raises `NotExact` for floats, bools, NaN, infinities, text that is not a number, and sizes beyond
    38 digits or 20 decimals either way (so that `1e400` cannot eat the machine).
    """
    if type(raw) is Decimal:
        return _sized(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise NotExact(f"a decimal is written as text or a whole number, not {type(raw).__name__}")
    if isinstance(raw, str) and (len(raw) > MAX_DIGITS * 2 or not raw.isascii() or "_" in raw or raw != raw.strip()):
        raise NotExact("not a decimal number")
    if isinstance(raw, int) and raw.bit_length() > MAX_DIGITS * 4:
        raise NotExact("too many digits")
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise NotExact("not a decimal number") from error
    return _sized(value)


def _sized(value: Decimal) -> Decimal:
    """The same, when it is finite and of a sensible size."""
    text = str(value)
    if len(text) < MAX_EXPONENT and "E" not in text and value.is_finite():  # nearly every number; a tuple takes longer
        return value
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise NotExact("not a finite number")
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_EXPONENT or value.adjusted() > MAX_DIGITS:
        raise NotExact("too many digits")
    return value


def total_of(values: Iterable[Decimal]) -> Decimal:
    """Their sum with every digit: plain `+` keeps 28, and a venue may tell a quantity of `MAX_DIGITS`."""
    total = ZERO
    for value in values:
        total = WIDE.add(total, value)
    return total


def text_of(value: Decimal) -> str:
    """Plain text without exponent or trailing zeros: `100`, `0.5`, `-1.25`."""
    if not value:
        return "0"
    text = str(value)  # a third of the time that `format` takes, and the same unless there is an exponent
    if "E" in text:
        text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def ten_digits(quotient: Decimal) -> Decimal:
    """A quotient, like an average price, for people: ten digits in all, at least two of them behind the point, half to even."""
    places = max(2, 9 - max(quotient.adjusted(), 0))
    return round(quotient, places)


def from_epoch(*, s: int | Decimal | None = None, ms: int | None = None, ns: int | None = None) -> datetime:
    """A UTC time from whole or decimal seconds, milliseconds, or nanoseconds (kept to the microsecond)."""
    base = datetime(1970, 1, 1, tzinfo=UTC)
    if ms is not None:
        return base + timedelta(milliseconds=ms)
    if ns is not None:
        return base + timedelta(microseconds=ns // 1000)
    if s is not None:
        return base + timedelta(microseconds=int(Decimal(s) * 1_000_000))
    raise ValueError("from_epoch needs s, ms or ns")


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC to the microsecond, ending in Z."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds')[:-6]}Z"  # without the +00:00; five times faster than strftime


class Word(Enum):
    """A closed list of words.  Members are hashed as the single objects they are: `Enum` itself hashes their names, slowly."""

    __hash__ = object.__hash__


class Side(Word):
    BUY = "buy"
    SELL = "sell"

    sign: int  # +1 for a buy, -1 for a sell

    def __init__(self, word: str) -> None:
        self.sign = 1 if word == "buy" else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(Word):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    MARKET_IF_TOUCHED = "market_if_touched"  # the mirror of a stop: a buy waits below the market, a sell above it
    LIMIT_IF_TOUCHED = "limit_if_touched"


LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED})  # those with a worst price
TOUCHED = frozenset({OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED})
TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT}) | TOUCHED  # those with a trigger of their own


class TimeInForce(Word):
    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"
    GTD = "gtd"


class OrderClass(Word):
    """How an order stands with others: alone, or as the head of a group."""

    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"
    MULTILEG = "mleg"


class PositionIntent(Word):
    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"


class OrdStatus(Word):
    """What public surfaces show."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    PENDING_REPLACE = "pending_replace"
    REJECTED = "rejected"
    EXPIRED = "expired"
    HELD = "held"
    NOT_SENT = "not_sent"
    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"


class ExecType(Word):
    """FIX ExecType: why a venue reports on an order."""

    PENDING_NEW = "pending_new"  # A: accepted by the broker, not yet working
    NEW = "new"  # 0
    HELD = "held"  # a child that waits for its parent
    TRADE = "trade"  # F, every fill
    TRADE_CORRECT = "trade_correct"  # G
    TRADE_CANCEL = "trade_cancel"  # H, a bust
    CANCELED = "canceled"  # 4
    REPLACED = "replaced"  # 5
    PENDING_CANCEL = "pending_cancel"  # 6
    PENDING_REPLACE = "pending_replace"  # E
    REJECTED = "rejected"  # 8
    EXPIRED = "expired"  # C
    DONE_FOR_DAY = "done_for_day"  # 3
    ORDER_STATUS = "order_status"  # I: a snapshot of where the order stands
    CANCEL_REJECTED = "cancel_rejected"  # OrderCancelReject, to a cancel
    REPLACE_REJECTED = "replace_rejected"  # OrderCancelReject, to a replace


class AssetClass(Word):
    EQUITY = "equity"
    OPTION = "option"
    CRYPTO = "crypto"
    FX = "fx"
    PERPETUAL = "perpetual"


class Environment(Word):
    SIM = "sim"
    PAPER = "paper"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency; amounts of two currencies never add."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return other

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole number of `step`s (> 0), however far apart their sizes are."""
    return WIDE.remainder(value, step) == 0


def round_step(value: Decimal, step: Decimal, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """The multiple of `step` (> 0) that `rounding` chooses."""
    if step <= 0:
        raise ValueError("a step is positive")
    return (value / step).to_integral_value(rounding=rounding) * step


def round_to_tick(price: Price, tick: Decimal, side: Side) -> Price:
    """Nearest multiple of `tick` (quote units) that is no worse for us: down for BUY, up for SELL."""
    return Price(round_step(price, tick, ROUND_FLOOR if side is Side.BUY else ROUND_CEILING))


def round_to_lot(qty: Quantity, lot: Decimal) -> Quantity:
    """The largest multiple of `lot` (units) not above `qty`."""
    return Quantity(round_step(qty, lot, ROUND_FLOOR))
