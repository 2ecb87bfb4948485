"""Which symbols this account has to do with.

The venue lists past orders and trades of one symbol at a time, so somebody has to know which ones to ask for: those of open
orders, those that orders and reports of ours were about, and the markets between coins that are held, as long as these are few.
After a restart nothing was heard of yet: what ended while nobody listened, and holds nothing any more, the desk's own books tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from floorbroker.brokers.binance.mapping.symbols import Symbols

_KEPT_MAX = 500
HELD_MAX = 40  # markets between held coins; an account of the test network holds hundreds of coins


class Traded:
    """Symbols in the order they were last met, oldest forgotten first; and the symbol each coin was last traded in."""

    def __init__(self, *, ours: Callable[[], Collection[str]] = tuple) -> None:
        self.ours = ours
        self._met: dict[str, None] = {}
        self.by_coin: dict[str, str] = {}

    def meet(self, symbol: str) -> None:
        """An order, a report or a question of ours is about it."""
        if "/" not in symbol:
            return
        self._met.pop(symbol, None)
        self._met[symbol] = None
        self.by_coin[symbol.partition("/")[0]] = symbol
        if len(self._met) > _KEPT_MAX:
            del self._met[next(iter(self._met))]

    def forget(self, symbol: str) -> None:
        """The venue does not know it any more."""
        self._met.pop(symbol, None)

    def to_ask(self, *, held: Iterable[str], symbols: Symbols, wide: bool = False) -> tuple[str, ...]:
        """Symbols whose history may hold something of ours; where it is `wide`, by the desk's books as well."""
        found = dict(self._met)
        if wide:
            found |= dict.fromkeys(self.ours())
        between = between_held(held, symbols)
        if len(between) <= HELD_MAX:
            found |= dict.fromkeys(between)
        return tuple(sorted(found))


def between_held(held: Iterable[str], symbols: Symbols) -> tuple[str, ...]:
    """Markets whose two currencies are both in the account."""
    coins = sorted(set(held))
    if len(coins) > 2 * HELD_MAX:
        return tuple(coins)  # too many to be of use: the caller looks at the length alone
    pairs = (symbols.pair(base, quote) for base in coins for quote in coins if base != quote)
    return tuple(rules.symbol for rules in pairs if rules is not None)
