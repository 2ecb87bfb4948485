"""Numbers, times and symbols between Alpaca's spelling and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from floorbroker.domain.errors import ApiError
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import AssetClass, NotExact, decimal_of, text_of

BROKER = "ALPACA"
# Crypto pairs are quoted in these; positions and data write the pair without a slash.
_CRYPTO_QUOTES = ("USDT", "USDC", "USD", "BTC")
_LONGEST_SHARE_SYMBOL = 5
_WORD_MAX = 64


def number(value: Decimal | None, *, what: str = "a number") -> Decimal | None:
    """`value` when it is of sensible size; raises `ApiError` for NaN, infinities and monsters."""
    if value is None:
        return None
    try:
        return decimal_of(value)
    except NotExact as error:
        raise ApiError(f"{what} in the reply is not usable: {error}", broker=BROKER) from error


def needed(value: Decimal | None, *, what: str) -> Decimal:
    """`number`, for what must be there."""
    checked = number(value, what=what)
    if checked is None:
        raise ApiError(f"the reply lacks {what}", broker=BROKER)
    return checked


def text(value: Decimal | None) -> str | None:
    """A number as it is sent: plain text."""
    return None if value is None else text_of(value)


def moment(value: str | None) -> datetime | None:
    """An RFC 3339 time in UTC, kept to the microsecond; None when there is none.  Raises `ApiError` for anything else."""
    if not value:
        return None
    try:
        found = msgspec.convert(value, type=datetime)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise ApiError("a time in the reply is not readable", broker=BROKER) from error


def moment_needed(value: str | None) -> datetime:
    """`moment`, for what must be there."""
    found = moment(value)
    if found is None:
        raise ApiError("the reply lacks a time", broker=BROKER)
    return found


def lenient_moment(value: str | None) -> datetime | None:
    """`moment` for times that only inform: unreadable ones count as none, so that they cannot hide an order."""
    try:
        return moment(value)
    except ApiError:
        return None


def word(value: str) -> str:
    """A venue word that is kept for people: bounded."""
    return value[:_WORD_MAX]


# -- symbols ------------------------------------------------------------------------------------------------------------


def to_wire_symbol(symbol: str) -> str:
    """`AAPL  260320C00150000` is `AAPL260320C00150000` there; shares and pairs are spelled alike."""
    contract = OptionContract.parse(symbol)
    return symbol if contract is None else contract.symbol.replace(" ", "")


def from_wire_symbol(symbol: str | None, asset_class: str | None = None) -> str:
    """Our spelling; `asset_class` is the venue's word where the message has one (fills and data do not)."""
    if not symbol:
        return ""
    contract = OptionContract.parse(symbol) if asset_class in (None, "", "us_option") else None
    if contract is not None:
        return contract.symbol
    if "/" in symbol or asset_class in ("us_equity", "us_option", "ipo"):
        return symbol
    if asset_class == "crypto" or (len(symbol) > _LONGEST_SHARE_SYMBOL and symbol.isalnum()):
        return _with_slash(symbol)
    return symbol


def _with_slash(symbol: str) -> str:
    for quote in _CRYPTO_QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return f"{symbol.removesuffix(quote)}/{quote}"
    return symbol


ASSET_CLASS = {"us_equity": AssetClass.EQUITY, "us_option": AssetClass.OPTION, "crypto": AssetClass.CRYPTO}
