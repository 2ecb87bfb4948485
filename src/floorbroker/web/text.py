"""How numbers, times and words look on the page.  The browser's `text.js` says the same in its own language."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from floorbroker.domain.values import ten_digits, text_of

UNKNOWN = "unknown"
CENT = Decimal("0.01")
MINUS = "\N{MINUS SIGN}"


def number(value: Decimal | None) -> str:
    """Grouped, all its digits: `12,345.5`.  What nobody knows is a word, not zero."""
    if value is None:
        return UNKNOWN
    whole, _, rest = text_of(value).partition(".")
    grouped = "-0" if whole == "-0" else f"{int(whole):,}"
    return f"{grouped}.{rest}" if rest else grouped


def price(value: Decimal | None) -> str:
    """All its digits, and at least two after the point."""
    if value is None or value == value.quantize(CENT):
        return money(value)
    return number(value)


def average(value: Decimal | None) -> str:
    """A quotient as a price, with ten digits in all."""
    return price(None if value is None else ten_digits(value))


def money(value: Decimal | None) -> str:
    """Grouped, to the cent."""
    return UNKNOWN if value is None else f"{_cents(value):,f}"


def gain(value: Decimal | None) -> str:
    """Profit or loss with its sign and an arrow, so that colour is never alone."""
    if value is None:
        return UNKNOWN
    rounded = _cents(value)
    if rounded == 0:
        return "0.00"
    return f"▲ +{rounded:,f}" if rounded > 0 else f"▼ {MINUS}{abs(rounded):,f}"


def direction(value: Decimal | None) -> str:
    """`up`, `down` or `flat`, for the style."""
    if value is None or _cents(value) == 0:
        return "flat"
    return "up" if value > 0 else "down"


def clock(moment: datetime) -> str:
    """The time of day, UTC."""
    return moment.strftime("%H:%M:%S")


def stamp(at: datetime) -> str:
    """Day of the year and time, UTC, for a column whose head names the zone: rows of a table may be of other days."""
    return at.strftime("%m-%d %H:%M:%S")


def moment(at: datetime) -> str:
    """Day and time, UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def plain(value: Decimal) -> str:
    """Nothing but the number, for a field that people write into."""
    return text_of(value)


def words(name: str) -> str:
    """`partially_filled` as people say it."""
    return name.replace("_", " ")


def _cents(value: Decimal) -> Decimal:
    """Half to even; a loss too small to show is no minus zero."""
    rounded = value.quantize(CENT, rounding=ROUND_HALF_EVEN)
    return abs(rounded) if rounded == 0 else rounded
