"""The coins of the account, and what open spot orders hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.domain.values import ZERO


class Wallet:
    """Balances by coin.  `hold` replaces what an order holds; every change of a coin is remembered until `changed` is read."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.balances = dict(balances)
        self.realised: dict[str, Decimal] = {}
        self._held: dict[str, tuple[str, Decimal]] = {}
        self._locked: dict[str, Decimal] = {}
        self._changed: dict[str, None] = {}

    def add(self, coin: str, amount: Decimal) -> Decimal:
        """Move a balance; returns what it is then."""
        if amount:
            self.balances[coin] = self.balances.get(coin, ZERO) + amount
            self._changed[coin] = None
        return self.balances.get(coin, ZERO)

    def realise(self, coin: str, amount: Decimal) -> None:
        """Count a profit that was added to the balance."""
        self.realised[coin] = self.realised.get(coin, ZERO) + amount

    def hold(self, order_id: str, coin: str, amount: Decimal) -> None:
        """What the order holds from now on; zero lets go."""
        before = self._held.pop(order_id, (coin, ZERO))[1]
        if amount:
            self._held[order_id] = (coin, amount)
        if amount != before:
            self._locked[coin] = self._locked.get(coin, ZERO) + amount - before
            self._changed[coin] = None

    def held_by(self, order_id: str) -> Decimal:
        return self._held.get(order_id, ("", ZERO))[1]

    def locked(self, coin: str) -> Decimal:
        """What open spot orders hold."""
        return self._locked.get(coin, ZERO)

    def free(self, coin: str) -> Decimal:
        """The balance without what is held."""
        return self.balances.get(coin, ZERO) - self.locked(coin)

    def touch(self, coin: str) -> None:
        """Say the coin changed, where what changed is kept elsewhere (margins)."""
        self._changed[coin] = None

    def changed(self) -> list[str]:
        """Coins that changed since the last call."""
        coins, self._changed = list(self._changed), {}
        return coins
