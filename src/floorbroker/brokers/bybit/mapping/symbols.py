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
_SPOT = re.compile(rf"({_COIN})/({_COIN})")
_LINEAR = re.compile(rf"({_COIN})/(USDT|USDC):\2")
_SPELLED = re.compile(r"[A-Z0-9-]{1,48}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a symbol is traded: the category and the venue's spelling there."""

    category: str
    symbol: str


def to_wire(symbol: str) -> Place:
    """Raises `SymbolNotFound` for what is neither a pair nor a linear perpetual."""
    if found := _LINEAR.fullmatch(symbol):
        base, settle = found[1], found[2]
        return Place(LINEAR, base + (_PERP if settle == "USDC" else settle))
    if found := _SPOT.fullmatch(symbol):
        return Place(SPOT, found[1] + found[2])
    raise SymbolNotFound(
        f"Bybit does not trade {symbol[:40]!r}: pairs are BTC/USDT, perpetuals BTC/USDT:USDT", broker=BROKER
    )


def by_rule(category: str, spelled: str) -> str:
    """Our spelling, as far as the venue's own tells; what no rule knows stays as it is."""
    if category == LINEAR:
        return _linear(spelled)
    for quote in _QUOTES:
        if spelled.endswith(quote) and len(spelled) > len(quote):
            return f"{spelled.removesuffix(quote)}/{quote}"
    return spelled


def _linear(spelled: str) -> str:
    name, dash, expiry = spelled.partition("-")  # dated futures: not traded here, though an account may hold them
    for ending, settle in ((_PERP, "USDC"), ("USDT", "USDT"), ("USDC", "USDC")):
        if name.endswith(ending) and len(name) > len(ending):
            return f"{name.removesuffix(ending)}/{settle}:{settle}{dash}{expiry}"
    return f"{name}/USDC:USDC-{expiry}" if dash else spelled


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
