"""Money and positions of one account."""

from __future__ import annotations

import asyncio

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import Options
from floorbroker.brokers.bybit.mapping import account as accounts
from floorbroker.brokers.bybit.mapping.account import PositionSide
from floorbroker.brokers.bybit.mapping.orders import ONE_WAY
from floorbroker.brokers.bybit.mapping.symbols import Symbols
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.brokers.bybit.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import Log
from floorbroker.domain.records import Account, Balance, Fetched, KeyPermissions, Position


class Holdings:
    """What an account holds, and what its key may do."""

    def __init__(
        self, reads: Reads, calls: Calls, symbols: Symbols, *, options: Options, clock: Clock, log: Log
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._symbols = symbols
        self._options = options
        self._clock = clock
        self._log = log
        self._permissions: KeyPermissions | None = None
        self._sides: dict[str, PositionSide] = {}

    async def account(self) -> Account:
        """Money, key and kind of account, asked together."""
        wallet, key, info = await asyncio.gather(
            self._reads.wallet(),
            self._reads.ask(self._calls.key(), wire.KeyInfo, what="the key"),
            self._reads.ask(self._calls.account_info(), wire.AccountInfo, what="the account"),
        )
        self._permissions = accounts.permissions_from(key)
        return accounts.account_from(wallet, key, info, currency=self._options.spot_quote)

    async def permissions(self) -> KeyPermissions:
        """What was told with the account, or asked now."""
        if self._permissions is None:
            key = await self._reads.ask(self._calls.key(), wire.KeyInfo, what="the key")
            self._permissions = accounts.permissions_from(key)
        return self._permissions

    async def balances(self) -> Fetched[Balance]:
        """Every coin of the wallet."""
        asked_at = self._clock.now()
        return Fetched(items=accounts.balances_from(await self._reads.wallet()), asked_at=asked_at)

    async def positions(self) -> Fetched[Position]:
        """Coins as spot positions, and perpetuals, each symbol once."""
        asked_at = self._clock.now()
        wallet, sides = await asyncio.gather(self._reads.wallet(), self.sides())
        spot = accounts.spot_positions(wallet, quote=self._options.spot_quote)
        return Fetched(items=(*spot, *accounts.net_positions(sides)), asked_at=asked_at)

    async def sides(self) -> tuple[PositionSide, ...]:
        """Each side of each perpetual's position, as the venue lists them."""
        listed = await self._reads.positions()
        sides = tuple(accounts.side_from(position, self._symbols) for position in listed)
        self._sides |= {side.symbol: side for side in sides}
        is_hedged = any(side.position_idx != ONE_WAY for side in sides)
        if is_hedged and not self._options.is_hedged:
            self._log.warning("positions.hedged", detail="the account is in hedge mode, the profile says one_way")
        return sides

    def known_side(self, symbol: str) -> PositionSide | None:
        """The position of a symbol as it was last listed."""
        return self._sides.get(symbol)
