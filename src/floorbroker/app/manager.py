"""`BrokerManager`: several brokers behind one object, for programs that want calls and callbacks instead of a desk.

Thin over the desk that `Gateway.open` gives; whatever it does not have is one step away, in `manager.desk`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from floorbroker.app.broker_credentials import BrokerCredentials
from floorbroker.app.floor import Outside
from floorbroker.app.library import Gateway
from floorbroker.app.sources import Sources
from floorbroker.domain.errors import InvalidRequest, NotReady
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, IntentId, ProfileName
from floorbroker.gateway.consolidated import Consolidated
from floorbroker.gateway.desk import Caller, ProfilePosition, ProfileStatus
from floorbroker.gateway.feeds import Consumer, Handler
from floorbroker.gateway.gateway import QUOTES
from floorbroker.gateway.gateway import Gateway as Desk
from floorbroker.gateway.happenings import Callback, Happening, kind_of
from floorbroker.gateway.listening import Listener
from floorbroker.oms.schema import OrderSchema, parse_changes, parse_order

Wish = NewOrder | OrderSchema | Mapping[str, Any]


@dataclass(slots=True)
class _Registered:
    """A callback as it was asked for, and its listener while the desk is open."""

    name: str | type[Happening]
    callback: Callback
    listener: Listener | None = None


@dataclass(slots=True, kw_only=True)
class BrokerManager:
    """Opens the desk of one environment (`initialize`), trades at its brokers, and closes it in order (`shutdown`).

    Without `profiles` it has all enabled ones; where `place_order` names none, the desk routes.  The arguments are those of
    `Gateway.open`, and two more: `keys` are the sealed fields (`BROKER_API_KEY` ...) of profiles by name, from a program that
    keeps them itself; `name` is who the audit says placed the orders.  Also an async context manager.
    """

    home: str | Path | None = None
    profiles: Iterable[str] | None = None
    environment: Environment | str | None = None
    credentials: BrokerCredentials | None = None
    keys: Mapping[str, Mapping[str, str]] | None = field(default=None, repr=False)
    outside: Outside | None = None
    name: str = "broker-manager"
    _desk: Desk | None = field(default=None, init=False)
    _stack: AsyncExitStack | None = field(default=None, init=False)
    _registered: list[_Registered] = field(default_factory=list[_Registered], init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    # -- life -------------------------------------------------------------------------------------------------------------

    async def initialize(self) -> None:
        """Open, recover and settle every session: READY, or with a reason in `health`.  Harmless when it is open."""
        async with self._turn:
            if self._desk is not None:
                return
            async with AsyncExitStack() as stack:
                self._desk = await stack.enter_async_context(
                    Gateway.open(
                        home=self.home,
                        profiles=self.profiles,
                        environment=None if self.environment is None else Environment(self.environment),
                        outside=self._outside(),
                        credentials=self.credentials,
                    )
                )
                self._stack = stack.pop_all()
            for registered in self._registered:
                registered.listener = self._desk.on(registered.name, registered.callback)

    def _outside(self) -> Outside | None:
        """The world as it was handed in, with the keys in it."""
        if self.keys is None:
            return self.outside
        keys = {name: {field: Secret(text) for field, text in told.items()} for name, told in self.keys.items()}
        return replace(self.outside or Outside(), sources=Sources(sealed=lambda profile: keys.get(profile.name, {})))

    async def shutdown(self) -> None:
        """Stop taking orders, let facts become durable, disconnect.  Open orders stay at their venues.  Harmless twice."""
        async with self._turn:
            stack, self._stack, self._desk = self._stack, None, None
            if stack is not None:
                await stack.aclose()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    @property
    def desk(self) -> Desk:
        """The desk itself.  Raises `NotReady` before `initialize` and after `shutdown`."""
        if self._desk is None:
            raise NotReady("the manager is not open: await initialize() first, or use it in `async with`")
        return self._desk

    def health(self) -> dict[str, ProfileStatus]:
        """Where each profile stands, and why it takes no orders where it does not."""
        return {status.profile.name: status for status in self.desk.profiles()}

    # -- orders -----------------------------------------------------------------------------------------------------------

    async def place_order(self, order: Wish, *, profile: str | None = None, key: str | None = None) -> Order:
        """One order, at most once: returned as it is stored, whatever became of it (filled, refused, unknown).

        `order` is an `OrderSchema`, a mapping of its members, or a `NewOrder`.  The same `key` with the same order gives the
        stored order again.  Raises for our own refusals (risk, kill switch, not ready, a wrong request): nothing was sent then.
        """
        if key is not None and isinstance(order, NewOrder):
            raise InvalidRequest("a key needs the order as OrderSchema or mapping: it stands for exactly that text")
        wish = order if isinstance(order, NewOrder | OrderSchema) else parse_order(dict(order))
        named = profile or (wish.profile if isinstance(wish, OrderSchema) else None)
        submitted = await self.desk.submit(
            wish,
            profile=None if named is None else ProfileName(named),
            caller=self._caller(),
            key=key,
            body_hash=wish.digest() if isinstance(wish, OrderSchema) else "",
        )
        return submitted.order

    async def cancel_order(self, order: Order | str, *, reason: str = "") -> Order:
        """Ask for a cancel, by the order or by one of its ids; a fill that crosses it is kept."""
        return await self.desk.cancel(self._id(order), caller=self._caller(), reason=reason)

    async def modify_order(self, order: Order | str, changes: OrderChanges | Mapping[str, Any]) -> Order:
        """Change quantity, prices or time in force of a working order."""
        wanted = changes if isinstance(changes, OrderChanges) else parse_changes(dict(changes)).to_changes()
        return await self.desk.modify(self._id(order), wanted, caller=self._caller())

    def _id(self, order: Order | str) -> IntentId:
        return order.intent_id if isinstance(order, Order) else self.desk.order(order).intent_id

    def _caller(self) -> Caller:
        return Caller(principal=self.name, via="library")

    # -- accounts ---------------------------------------------------------------------------------------------------------

    async def get_consolidated_account(self, currency: str | None = None) -> Consolidated:
        """All profiles as one account.  Look at `complete`: what is not in it is in its lists."""
        return await self.desk.consolidated(currency)

    async def get_positions(self, profile: str | None = None) -> list[ProfilePosition]:
        """What is held at one profile, or at all.  Raises when one cannot tell: a part is never given for the whole."""
        return await self.desk.positions(None if profile is None else ProfileName(profile))

    # -- what happens -----------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self,
        symbols: Iterable[str],
        handler: Handler,
        *,
        kinds: Iterable[DataKind | str] = QUOTES,
        profile: str | None = None,
    ) -> Consumer:
        """Call `handler` (plain or async) with every `Tick` of these symbols; close what is returned to end it.

        Consumers share one feed a venue.  A slow one gets the newest quote, and how many it was not shown.
        """
        return await self.desk.subscribe_market_data(
            list(symbols),
            handler,
            kinds=frozenset(DataKind(kind) for kind in kinds),
            profile=None if profile is None else ProfileName(profile),
        )

    def register_callback(self, name: str | type[Happening], callback: Callback) -> None:
        """Call `callback` (plain or async) with everything of that name, before `initialize` as well as after it.

        Raises `InvalidRequest` for a name that is none; see the page on events.
        """
        if isinstance(name, str):
            kind_of(name)
        registered = _Registered(name, callback)
        if self._desk is not None:
            registered.listener = self._desk.on(name, callback)
        self._registered.append(registered)

    def unregister(self, name: str | type[Happening], callback: Callback) -> bool:
        """Call it no more.  False when it was not registered under that name."""
        found = next((one for one in self._registered if (one.name, one.callback) == (name, callback)), None)
        if found is None:
            return False
        self._registered.remove(found)
        if found.listener is not None:
            found.listener.close()
        return True
