"""The desk over REST: one environment, typed verbs.

async with DeskClient.open(token=token, environment="paper") as desk:
    order = await desk.submit({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"})
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import msgspec

from floorbroker.client.door import TIMEOUT_S, Answer, Door, Params, open_door, segment
from floorbroker.client.shapes import (
    Account,
    Arming,
    AuditRow,
    Bars,
    Book,
    Chain,
    Consolidated,
    Event,
    Fill,
    Hours,
    KillSwitch,
    Order,
    Position,
    Preview,
    ProfileState,
    Quote,
    Round,
    SelfCheck,
    Size,
)

API = "/api/v1"
LIVE_ARMING = f"{API}/live/arming"
URL = "http://127.0.0.1:8750"
PAGE = 1000
T = TypeVar("T")
Body = Mapping[str, Any]


class _Page(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...]
    next_cursor: str | None = None


def new_key() -> str:
    """A fresh idempotency key: one for each wish to trade."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class DeskClient:
    """One environment of one desk.  Every method raises `DeskError`s."""

    door: Door
    environment: str = "paper"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, token: str, url: str = URL, environment: str = "paper", timeout_s: float = TIMEOUT_S
    ) -> AsyncGenerator[DeskClient]:
        """A desk at `url`; `environment` is sim, paper or live."""
        async with open_door(url, token, timeout_s=timeout_s) as door:
            yield cls(door, environment)

    def at(self, path: str) -> str:
        """A path below this environment."""
        return f"{API}/{self.environment}{path}"

    # -- orders -------------------------------------------------------------------------------------------------------

    async def submit(self, order: Body, *, key: str | None = None) -> Order:
        """Place one order, at most once; the members are those of `OrderSchema`, numbers as text.

        Without a key a random one is sent.  `NoAnswer` carries it: submitting the same order under the same key returns
        what became of the first.  An order with `ord_status` `unknown` must not be repeated.
        """
        return _read(await self.submit_answer(order, key=key or new_key()), Order)

    async def submit_answer(self, order: Body, *, key: str) -> Answer:
        """The same, as the reply itself."""
        return await self.door.call("POST", self.at("/orders"), body=order, headers={"Idempotency-Key": key})

    async def preview(self, order: Body) -> Preview:
        """What the order would meet; nothing is sent."""
        return _read(await self.door.call("POST", self.at("/orders/preview"), body=order), Preview)

    async def order(self, id: str) -> Order:
        """One order by the desk's id or its client order id."""
        return _read(await self.door.call("GET", self.at(f"/orders/{segment(id)}")), Order)

    async def orders(self, **where: str | None) -> list[Order]:
        """Every order that the filters find (`status symbol side strategy profile since until`), newest first."""
        return [item async for item in self.all_of("/orders", where, Order)]

    async def cancel(self, id: str) -> Order:
        """Ask for a cancel; a fill that crosses it is kept."""
        return _read(await self.door.call("DELETE", self.at(f"/orders/{segment(id)}")), Order)

    async def cancel_all(self, **where: str | None) -> list[Order]:
        """Ask to cancel every open order that the filters find; without filters, all of them."""
        return _items(await self.door.call("DELETE", self.at("/orders"), params=where), Order)

    async def modify(self, id: str, changes: Body) -> Order:
        """Change quantity, prices or time in force of a working order."""
        path = self.at(f"/orders/{segment(id)}")
        return _read(await self.door.call("PATCH", path, body=changes), Order)

    async def fills(self, **where: str | None) -> list[Fill]:
        """Every execution of the orders that the filters find, newest first."""
        return [item async for item in self.all_of("/fills", where, Fill)]

    # -- accounts and markets -----------------------------------------------------------------------------------------

    async def account(self, profile: str) -> Account:
        """Cash, equity and buying power of one profile."""
        return _read(await self.door.call("GET", self.at("/account"), params={"profile": profile}), Account)

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        """All profiles as one account, in one currency."""
        return _read(await self.door.call("GET", self.at("/account"), params={"currency": currency}), Consolidated)

    async def positions(self, profile: str | None = None) -> list[Position]:
        """What is held, at one profile or at all."""
        return _items(await self.door.call("GET", self.at("/positions"), params={"profile": profile}), Position)

    async def quote(self, symbol: str, profile: str | None = None) -> Quote:
        """Best bid and ask."""
        params = {"symbols": symbol, "profile": profile}
        return _items(await self.door.call("GET", self.at("/quotes"), params=params), Quote)[0]

    async def option_chain(self, underlying: str, *, expiry: date | None = None, profile: str | None = None) -> Chain:
        """Options of one expiration, the next to come unless one is named."""
        params = {"underlying": underlying, "expiry": expiry.isoformat() if expiry else None, "profile": profile}
        return _read(await self.door.call("GET", self.at("/options/chain"), params=params), Chain)

    async def option_size(self, symbol: str, **ask: str | None) -> Size:
        """How many contracts fit: `budget`, `ratio`, `shares`, `premium`, `fee` and `profile`, numbers as text."""
        return _read(await self.door.call("GET", self.at("/options/size"), params={"symbol": symbol, **ask}), Size)

    async def book(self, symbol: str, *, depth: int = 10, profile: str | None = None) -> Book:
        """The order book of one symbol, best level first."""
        params = {"symbol": symbol, "depth": depth, "profile": profile}
        return _read(await self.door.call("GET", self.at("/book"), params=params), Book)

    async def bars(self, symbol: str, *, span_s: int = 60, limit: int = PAGE, **bounds: str | None) -> Bars:
        """Bars of one symbol; `start`, `end` (RFC 3339) and `profile` may be given."""
        params: Params = {"symbol": symbol, "span_s": span_s, "limit": limit, **bounds}
        return _read(await self.door.call("GET", self.at("/bars"), params=params), Bars)

    async def market_hours(self, market: str = "XNYS", day: date | None = None) -> Hours:
        """One day of one market; today when left out."""
        params = {"market": market, "day": day.isoformat() if day else None}
        return _read(await self.door.call("GET", self.at("/market-hours"), params=params), Hours)

    # -- operations ---------------------------------------------------------------------------------------------------

    async def profiles(self) -> list[ProfileState]:
        """Every profile of the environment."""
        return _items(await self.door.call("GET", self.at("/profiles")), ProfileState)

    async def kill_switch(self) -> KillSwitch:
        """Where the kill switch stands."""
        return _read(await self.door.call("GET", self.at("/kill-switch")), KillSwitch)

    async def kill(
        self,
        level: int,
        *,
        reason: str,
        profile: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillSwitch:
        """Trip it: 1 blocks, 2 also cancels, 3 also flattens; 0 resets.  One scope at most is named."""
        scope = {"profile": profile, "account": account, "strategy": strategy, "token": token}
        body = {"level": level, "reason": reason} | {kind: name for kind, name in scope.items() if name}
        return _read(await self.door.call("PUT", self.at("/kill-switch"), body=body), KillSwitch)

    async def arming(self) -> list[Arming]:
        """Every live profile: whether it may trade, and until when."""
        return _items(await self.door.call("GET", LIVE_ARMING), Arming)

    async def arm(
        self, *, reason: str, confirm: str, profile: str | None = None, for_s: int | None = None
    ) -> list[Arming]:
        """Let a live profile trade for a while (eight hours unless told otherwise); `confirm` is its name once more."""
        given = {"profile": profile, "for_s": for_s}
        body = {"reason": reason, "confirm": confirm} | {k: v for k, v in given.items() if v is not None}
        return _items(await self.door.call("PUT", LIVE_ARMING, body=body), Arming)

    async def disarm(self, *, profile: str | None = None, reason: str | None = None) -> list[Arming]:
        """Disarm one live profile, or all; cancels go on."""
        params: Params = {"profile": profile, "reason": reason}
        return _items(await self.door.call("DELETE", LIVE_ARMING, params=params), Arming)

    async def reconcile(self, profile: str) -> Round:
        """Compare what the desk believes with what the venue says, now."""
        return _read(await self.door.call("POST", self.at(f"/profiles/{segment(profile)}/reconcile")), Round)

    async def self_check(self, profile: str) -> SelfCheck:
        """Prove connectivity, credentials, environment and clock without placing an order."""
        return _read(await self.door.call("POST", self.at(f"/profiles/{segment(profile)}/self-check")), SelfCheck)

    async def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditRow]:
        """Audit rows behind a journal sequence, oldest first."""
        params: Params = {"environment": self.environment, "after": after, "limit": limit}
        return _items(await self.door.call("GET", f"{API}/audit", params=params), AuditRow)

    async def events(self, *, after: int | None = None, channels: str | None = None) -> AsyncIterator[Event]:
        """Facts as they become durable: replayed behind `after`, then live.  Ends when the desk ends it."""
        params: Params = {"after": after, "channels": channels}
        async for event in self.door.events(self.at("/events"), params=params):
            if event.event == "bye":
                return
            if event.data:
                yield msgspec.json.decode(event.data, type=Event)

    # -- lists --------------------------------------------------------------------------------------------------------

    async def all_of(self, path: str, where: Params, kind: type[T]) -> AsyncIterator[T]:
        """A whole list, page after page."""
        cursor: str | None = None
        while True:
            answer = await self.door.call("GET", self.at(path), params={"limit": PAGE, **where, "cursor": cursor})
            page = msgspec.json.decode(answer.body, type=_Page)
            for raw in page.items:
                yield msgspec.json.decode(raw, type=kind)
            cursor = page.next_cursor
            if cursor is None:
                return


def _read(answer: Answer, kind: type[T]) -> T:
    return msgspec.json.decode(answer.body, type=kind)


def _items(answer: Answer, kind: type[T]) -> list[T]:
    return [msgspec.json.decode(raw, type=kind) for raw in msgspec.json.decode(answer.body, type=_Page).items]
