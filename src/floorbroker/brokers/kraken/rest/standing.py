"""How things stand between us and the venue: clock, system, key, account, and whether an order would get through."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping import account as accounts
from floorbroker.brokers.kraken.mapping.symbols import their_asset
from floorbroker.brokers.kraken.mapping.values import needed, seconds_needed
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.commands import Commands
from floorbroker.brokers.kraken.rest.market import MarketReads
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, VenueError
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Account, Check, KeyPermissions, Position
from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.transport.offset import ClockOffset

_PROBE = "BTC/USD"
_HALF, _HALF_S = Decimal("0.5"), 0.5
_OFFSET_MAX_S = 1.0
_VALUED_S = 60.0


class Standing:
    """Questions about one account; `offset` learns how far the venue's clock is ahead."""

    def __init__(
        self,
        reads: Reads,
        calls: Calls,
        market: MarketReads,
        *,
        quote: str,
        clock: Clock,
        offset: ClockOffset,
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._market = market
        self._quote = quote
        self._clock = clock
        self._offset = offset
        self._key: wire.Key | None = None
        self._valued: wire.TradeBalance | None = None
        self._valued_s = 0.0
        self.traded = accounts.Traded(quote=quote)

    async def measure_offset_s(self) -> float:
        """Seconds the venue's clock is ahead of ours, after asking it once more: it tells whole seconds alone."""
        asked_s = self._clock.monotonic()
        told = await self._reads.ask(self._calls.time(), wire.Time, what="the clock")
        middle = seconds_needed(needed(told.unixtime, what="a time") + _HALF)
        self._offset.learn(middle, asked_s=asked_s, heard_s=self._clock.monotonic(), within_s=_HALF_S)
        return self._offset.seconds or 0.0

    async def permissions(self) -> KeyPermissions:
        """What the key may do, by the venue's list; unknown where it does not answer that question for this key."""
        try:
            self._key = await self._reads.ask(self._calls.key(), wire.Key, what="the key")
        except AuthenticationFailed:
            raise
        except VenueError as error:
            if not (error.venue_text or "").startswith("EGeneral:Unknown method"):
                raise
            self._key = None
        return accounts.permissions_from(self._key)

    async def holdings(self) -> Mapping[str, wire.Holding]:
        """Every balance."""
        return await self._reads.ask(self._calls.balances(), dict[str, wire.Holding], what="the balances")

    async def account(self) -> Account:
        """The account in its quote currency.  Its money is the balance of this moment; what everything together is worth is
        asked once a minute, since each call fills the counter of the key.
        """
        held = await self.holdings()
        return accounts.account_from(held, await self._valuation(), self._key, quote=self._quote)

    async def _valuation(self) -> wire.TradeBalance:
        asked_s = self._clock.monotonic()
        if self._valued is None or asked_s - self._valued_s >= _VALUED_S:
            request = self._calls.trade_balance(their_asset(self._quote))
            self._valued = await self._reads.ask(request, wire.TradeBalance, what="the account")
            self._valued_s = asked_s
        return self._valued

    async def positions(self) -> tuple[Position, ...]:
        """Coins, with the last price of their pair."""
        coins = accounts.coins_of(await self.holdings(), quote=self._quote)
        prices = await self._market.prices([self.traded.symbol_of(coin) for coin in coins])
        return accounts.positions_from(coins, prices, self.traded)

    async def worths(self) -> list[Decimal]:
        """What each coin is worth in the quote currency, where it has a price there."""
        coins = accounts.coins_of(await self.holdings(), quote=self._quote)
        prices = await self._market.prices([f"{coin}/{self._quote}" for coin in coins])
        return [total * prices.get(f"{coin}/{self._quote}", ZERO) for coin, (total, _) in coins.items()]

    # -- the self-check ---------------------------------------------------------------------------------------------------

    async def check(self, commands: Commands, *, origin: str, environment: str) -> tuple[Check, ...]:
        """Connectivity, the system's state, clock, credentials, permissions, and an order that is looked at and not placed."""
        try:
            offset_s = await self.measure_offset_s()
            status = await self._market.status()
            await self._market.learn()
        except FloorbrokerError as error:
            return (Check(name="connectivity", ok=False, detail=error.detail),)
        told = f"the venue's clock is {offset_s:+.1f} s from ours"
        there = (
            Check(name="connectivity", ok=True, detail=origin),
            Check(name="system", ok=status == "online", detail=f"the system is {status}"),
            Check(name="clock", ok=abs(offset_s) <= _OFFSET_MAX_S, detail=told),
        )
        try:
            permissions = await self.permissions()
            account = await self.account()
        except FloorbrokerError as error:
            return (*there, Check(name="credentials", ok=False, detail=error.detail))
        may = permissions.trade is not False and not permissions.withdraw
        said = "this key can withdraw money" if permissions.withdraw else permissions.detail or "may trade"
        return (
            *there,
            Check(name="credentials", ok=True, detail=f"account {account.account}" if account.account else ""),
            Check(name="environment", ok=True, detail=environment),
            Check(name="permissions", ok=may, detail=said),
            await self._probe(commands),
        )

    async def _probe(self, commands: Commands) -> Check:
        """The smallest order of one pair, checked by the venue."""
        try:
            await commands.check(smallest_order(await self._market.instrument(_PROBE)))
        except FloorbrokerError as error:
            return Check(name="order_entry", ok=False, detail=error.venue_text or error.detail)
        return Check(name="order_entry", ok=True, detail="an order was checked by the venue and not placed")


def smallest_order(instrument: Instrument) -> NewOrder:
    """A buy of the smallest quantity at a price that is just enough: far below any market."""
    qty = instrument.min_qty or instrument.lot
    tick = instrument.ticks[0].tick
    price = ((instrument.min_notional or tick) / qty // tick + 1) * tick
    return NewOrder(
        symbol=instrument.symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(qty),
        price=Price(price),
        tif=TimeInForce.GTC,
        post_only=True,
    )
