"""Accounts and markets: what is held, what things cost, when they trade."""

from __future__ import annotations

from datetime import date

from floorbroker.client.door import Params, segment
from floorbroker.client.shapes import (
    Account,
    Balance,
    Bars,
    Book,
    Chain,
    Consolidated,
    EquityCurve,
    Hours,
    Position,
    Quote,
    Size,
)
from floorbroker.client.verbs import PAGE, Verbs, items, one


class Markets(Verbs):
    """The verbs of accounts and markets."""

    __slots__ = ()

    async def account(self, profile: str) -> Account:
        """Cash, equity and buying power of one profile."""
        return one(await self.door.call("GET", self.at("/account"), params={"profile": profile}), Account)

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        """All profiles as one account, in one currency."""
        return one(await self.door.call("GET", self.at("/account"), params={"currency": currency}), Consolidated)

    async def positions(self, profile: str | None = None) -> list[Position]:
        """What is held, at one profile or at all."""
        return items(await self.door.call("GET", self.at("/positions"), params={"profile": profile}), Position)

    async def quote(self, symbol: str, profile: str | None = None) -> Quote:
        """Best bid and ask."""
        params = {"symbols": symbol, "profile": profile}
        return items(await self.door.call("GET", self.at("/quotes"), params=params), Quote)[0]

    async def option_chain(self, underlying: str, *, expiry: date | None = None, profile: str | None = None) -> Chain:
        """Options of one expiration, the next to come unless one is named."""
        params = {"underlying": underlying, "expiry": expiry.isoformat() if expiry else None, "profile": profile}
        return one(await self.door.call("GET", self.at("/options/chain"), params=params), Chain)

    async def option_size(self, symbol: str, **ask: str | None) -> Size:
        """How many contracts fit: `budget`, `ratio`, `shares`, `premium`, `fee` and `profile`, numbers as text."""
        return one(await self.door.call("GET", self.at("/options/size"), params={"symbol": symbol, **ask}), Size)

    async def book(self, symbol: str, *, depth: int = 10, profile: str | None = None) -> Book:
        """The order book of one symbol, best level first."""
        params = {"symbol": symbol, "depth": depth, "profile": profile}
        return one(await self.door.call("GET", self.at("/book"), params=params), Book)

    async def bars(self, symbol: str, *, span_s: int = 60, limit: int = PAGE, **bounds: str | None) -> Bars:
        """Bars of one symbol; `start`, `end` (RFC 3339) and `profile` may be given."""
        params: Params = {"symbol": symbol, "span_s": span_s, "limit": limit, **bounds}
        return one(await self.door.call("GET", self.at("/bars"), params=params), Bars)

    async def market_hours(self, market: str = "XNYS", day: date | None = None) -> Hours:
        """One day of one market; today when left out."""
        params = {"market": market, "day": day.isoformat() if day else None}
        return one(await self.door.call("GET", self.at("/market-hours"), params=params), Hours)

    async def balances(self, profile: str) -> list[Balance]:
        """Money of one profile, by currency."""
        return items(await self.door.call("GET", self.at(f"/profiles/{segment(profile)}/balances")), Balance)

    async def equity(self, profile: str | None = None) -> EquityCurve:
        """How equity went, of one profile or of all together."""
        return one(await self.door.call("GET", self.at("/account/equity"), params={"profile": profile}), EquityCurve)

    async def quotes(self, symbols: list[str], profile: str | None = None) -> list[Quote]:
        """Best bids and asks."""
        params = {"symbols": ",".join(symbols), "profile": profile}
        return items(await self.door.call("GET", self.at("/quotes"), params=params), Quote)
