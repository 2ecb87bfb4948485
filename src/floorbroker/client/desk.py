"""The desk over REST: one environment, typed verbs.

async with DeskClient.open(token=token, environment="paper") as desk:
    order = await desk.submit({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"})
    await desk.tokens.revoke("old-bot")
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from floorbroker.client.door import TIMEOUT_S, open_door
from floorbroker.client.hooks import Notifications, Webhooks
from floorbroker.client.markets import Markets
from floorbroker.client.operating import LIVE_ARMING, Operating
from floorbroker.client.orders import Orders, new_key
from floorbroker.client.people import Auth, Tokens, Users
from floorbroker.client.states import Broker, Health, Readiness
from floorbroker.client.stored import StoredProfiles, Vault
from floorbroker.client.stream import Stream, open_stream
from floorbroker.client.studies import Studies
from floorbroker.client.verbs import API, PAGE, items, one

URL = "http://127.0.0.1:8750"


class DeskClient(Orders, Markets, Operating):
    """One environment of one desk.  Every method raises `DeskError`s."""

    __slots__ = ()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, token: str, url: str = URL, environment: str = "paper", timeout_s: float = TIMEOUT_S
    ) -> AsyncGenerator[DeskClient]:
        """A desk at `url`; `environment` is sim, paper or live.  Without a token only what is open to all, until somebody
        signs in with `auth.log_in`.
        """
        async with open_door(url, token, timeout_s=timeout_s) as door:
            yield cls(door, environment)

    def stream(self, channels: Sequence[str], *, after: int | None = None) -> AbstractAsyncContextManager[Stream]:
        """Facts and prices over one WebSocket: `orders`, `fills`, `quotes:PROFILE:SYMBOL` and so on."""
        return open_stream(self.door.http, self.at("/stream"), channels, after=after)

    # -- the server ---------------------------------------------------------------------------------------------------

    async def health(self) -> Health:
        """Whether the server lives; open to all."""
        return one(await self.door.call("GET", "/healthz"), Health)

    async def readiness(self) -> Readiness:
        """Whether profiles are ready; open to all.  Raises `Refused` (503) while none is."""
        return one(await self.door.call("GET", "/readyz"), Readiness)

    async def metrics(self) -> str:
        """Everything measured, in the text format of Prometheus."""
        return (await self.door.call("GET", "/metrics")).body.decode()

    async def brokers(self) -> list[Broker]:
        """Every broker this desk knows: what it can do, and the fields a profile needs."""
        return items(await self.door.call("GET", f"{API}/brokers"), Broker)

    # -- nouns --------------------------------------------------------------------------------------------------------

    @property
    def auth(self) -> Auth:
        """Who asks; signing in."""
        return Auth(self.door)

    @property
    def users(self) -> Users:
        """Who belongs to the desk."""
        return Users(self.door)

    @property
    def tokens(self) -> Tokens:
        """Programs' ways in."""
        return Tokens(self.door)

    @property
    def stored(self) -> StoredProfiles:
        """Profiles as they are stored."""
        return StoredProfiles(self.door, self.environment)

    @property
    def vault(self) -> Vault:
        """The sealed file of credentials."""
        return Vault(self.door)

    @property
    def webhooks(self) -> Webhooks:
        """Signals that come in, events that go out."""
        return Webhooks(self.door, self.environment)

    @property
    def notifications(self) -> Notifications:
        """People who are told."""
        return Notifications(self.door)

    @property
    def studies(self) -> Studies:
        """Bots, research, backtests and long work."""
        return Studies(self.door)


__all__ = ["API", "LIVE_ARMING", "PAGE", "URL", "DeskClient", "new_key"]
