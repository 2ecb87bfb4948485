"""Single values of the socket: moments with a zone behind them, ids of executions, our own words for types and times in force.

Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-ref (Execution), twsapi-doc (order types, date and time formats).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side, TimeInForce

_MOMENT = re.compile(r"(\d{8})(?:(-)| {1,2})(\d\d:\d\d:\d\d)(?: ([A-Za-z][A-Za-z0-9_+/-]{1,40}))?")
_VERSION_DIGITS = 6
EXEC_MAX, WORD_MAX = 128, 40

SIDES: Mapping[str, Side] = MappingProxyType(
    {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL, "SSHORT": Side.SELL}
)
ACTIONS: Mapping[Side, str] = MappingProxyType({Side.BUY: "BUY", Side.SELL: "SELL"})
TYPES: Mapping[OrderType, str] = MappingProxyType(
    {
        OrderType.MARKET: "MKT",
        OrderType.LIMIT: "LMT",
        OrderType.STOP: "STP",
        OrderType.STOP_LIMIT: "STP LMT",
        OrderType.TRAILING_STOP: "TRAIL",
        OrderType.MARKET_IF_TOUCHED: "MIT",
        OrderType.LIMIT_IF_TOUCHED: "LIT",
    }
)
AT_THE_CLOSE: Mapping[OrderType, str] = MappingProxyType({OrderType.MARKET: "MOC", OrderType.LIMIT: "LOC"})
ORDER_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {
        **{word: ours for ours, word in TYPES.items()},
        **{word: ours for ours, word in AT_THE_CLOSE.items()},
        "STPLMT": OrderType.STOP_LIMIT,
    }
)
# Types that this desk does not place; an order of a person or of another program may have one.
FOREIGN_TYPES = frozenset(
    {
        "TRAIL LIMIT",
        "TRAILLMT",
        "MIDPRICE",
        "MIDPX",
        "REL",
        "PEG MKT",
        "PEG MID",
        "PEG BENCH",
        "PEG BEST",
        "BOX TOP",
        "LWL",
    }
    | {
        "LOO",
        "MOO",
        "MKT PRT",
        "STP PRT",
        "PASSV REL",
        "VOL",
        "IBALGO",
        "RPI",
        "SNAP MKT",
        "SNAP MID",
        "SNAP PRIM",
        "MTL",
    }
)
TIFS: Mapping[TimeInForce, str] = MappingProxyType(
    {
        TimeInForce.DAY: "DAY",
        TimeInForce.GTC: "GTC",
        TimeInForce.IOC: "IOC",
        TimeInForce.FOK: "FOK",
        TimeInForce.OPG: "OPG",
        TimeInForce.GTD: "GTD",
        TimeInForce.CLS: "DAY",  # the order type says at the close
    }
)
TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType(
    {word: ours for ours, word in TIFS.items() if ours is not TimeInForce.CLS} | {"": TimeInForce.DAY}
)
FOREIGN_TIFS = frozenset({"DTC", "GTX", "AUC", "OND", "OVT", "PAX", "MINUTES"})


def moment_of(text: str) -> datetime | None:
    """A time with its zone, or with a dash in UTC; None without a zone, since whose clock it is stands nowhere."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, dash, clock, named = found.groups()
    zone = UTC if dash else None if named is None else _zone(named)
    if zone is None:
        return None
    try:
        return datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def execution_of(text: str) -> tuple[str, int]:
    """`0000e0d5.6576fd38.01.02` is version 2 of `0000e0d5.6576fd38.01`; without a number at its end it is version 1 of itself."""
    stem, _, last = text.rpartition(".")
    if stem and last.isascii() and last.isdigit() and len(last) <= _VERSION_DIGITS:
        return stem[:EXEC_MAX], int(last)
    return text[:EXEC_MAX], 1


def word(text: str) -> str:
    """A strange word as people are shown it."""
    return repr(text[:WORD_MAX])


def quantity_of(value: Decimal | None) -> Quantity | None:
    """A quantity; a negative one is none."""
    return None if value is None or value < 0 else Quantity(value)


def price_of(value: Decimal | None) -> Price | None:
    """A price of an order; the venue writes zero, or nothing, where the type has none."""
    return None if value is None or value == ZERO else Price(value)
