"""Symbols: `BTC/USDT` is BTCUSDT of category spot, `BTC/USDT:USDT` is BTCUSDT of linear, `BTC/USDC:USDC` is BTCPERP.

The venue's instrument list says what a spelling stands for; before it is read, and in replays, the rule of spelling does.
Document: bybit-exchange.github.io/docs/v5/enum#symbol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from floorbroker.brokers.bybit.info import BROKER
from floorbroker.domain.errors import SymbolNotFound

SPOT = "spot"
LINEAR = "linear"
CATEGORIES = (SPOT, LINEAR)
SETTLE_COINS = ("USDT", "USDC")
_QUOTES = (
    "USDT",
    "USDC",
    "USDE",
    "USD1",
    "RLUSD",
    "EUR",
    "BRL",
    "PLN",
    "TRY",
    "DAI",
    "BTC",
    "ETH",
    "MNT",
    "BRZ",
    "AED",
)
_PERP = "PERP"
_COIN = r"[A-Z0-9]{1,24}"
_BASE = re.compile(_COIN)
_SPOT = re.compile(rf"({_COIN})/({_COIN})")
_LINEAR = re.compile(rf"({_COIN})/(USDT|USDC):\2(-[0-9A-Z]{{5,8}})?")
_ODD = re.compile(r"([A-Z0-9-]{1,48})/\?(:\?)?")
_SPELLED = re.compile(r"[A-Z0-9-]{1,48}")
_LONGEST = 48


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol is traded: the category and the venue's spelling there."""

    category: str
    symbol: str


def to_wire(symbol: str) -> Place:
    """Raises `SymbolNotFound` for what is neither a pair nor a linear contract.

    Dated futures (`BTC/USDT:USDT-27MAR26`) and spellings that no rule knows (`XYZ/?`) can be asked about and cancelled; they
    have no instrument here, so nothing new is sent for them.
    """
    if found := _LINEAR.fullmatch(symbol):
        return Place(LINEAR, _contract(found[1], found[2], found[3] or ""))
    if found := _SPOT.fullmatch(symbol):
        return Place(SPOT, found[1] + found[2])
    if found := _ODD.fullmatch(symbol):
        return Place(LINEAR if found[2] else SPOT, found[1])
    raise SymbolNotFound(
        f"Bybit does not trade {symbol[:40]!r}: pairs are BTC/USDT, perpetuals BTC/USDT:USDT", broker=BROKER
    )


def _contract(base: str, settle: str, expiry: str) -> str:
    if settle == "USDT":
        return f"{base}USDT{expiry}"
    return f"{base}{expiry or _PERP}"


def by_rule(category: str, spelled: str) -> str:
    """Our spelling, as far as the venue's own tells; what no rule knows is kept as it is, with `?` for what it is quoted in."""
    if category == LINEAR:
        return _linear(spelled)
    for quote in _QUOTES:
        base = spelled.removesuffix(quote)
        if base != spelled and _BASE.fullmatch(base):
            return f"{base}/{quote}"
    return f"{spelled[:_LONGEST]}/?"


def _linear(spelled: str) -> str:
    name, dash, expiry = spelled[:_LONGEST].partition(
        "-"
    )  # dated futures: not traded here, though an account may hold them
    coin = name.removesuffix("USDT")
    if coin != name and _BASE.fullmatch(coin):
        return f"{coin}/USDT:USDT{dash}{expiry}"
    coin = name if dash else name.removesuffix(_PERP)
    if (dash or coin != name) and _BASE.fullmatch(coin):
        return f"{coin}/USDC:USDC{dash}{expiry}"
    return f"{spelled[:_LONGEST]}/?:?"


class Symbols:
    """The venue's spellings, learned from its instrument lists."""

    def __init__(self) -> None:
        self._spot: dict[str, str] = {}

    def learn(self, spelled: str, base: str, quote: str) -> None:
        """A spot pair as the instrument list has it; where two coins run together, only the list tells."""
        if _SPELLED.fullmatch(spelled) and f"{base}{quote}" == spelled:
            self._spot[spelled] = f"{base}/{quote}"

    def from_wire(self, category: str, spelled: str) -> str:
        """Our spelling."""
        known = self._spot.get(spelled) if category == SPOT else None
        return known or by_rule(category, spelled)
