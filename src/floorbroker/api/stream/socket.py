"""The shell around one WebSocket: who it is, what it says, and a writer that sends what waits.

A browser comes with its session, and its Origin was looked at before; a program sends its token first.  Whoever comes is looked
at again while the connection stands: a session or token that ends takes it along.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from floorbroker.api.access import READ, why_not
from floorbroker.api.auth import Doorkeeper
from floorbroker.api.farewell import Farewell
from floorbroker.api.perimeter import address_of, host_name, look_again
from floorbroker.api.places import Place, Places
from floorbroker.api.stream.hub import Client, Hub, Hubs
from floorbroker.api.stream.protocol import (
    WANTED_MAX,
    Auth,
    BadMessage,
    Closing,
    Ping,
    Price,
    Said,
    Subscribe,
    Unsubscribe,
    channel_of,
    envelope,
    joined,
    read,
)
from floorbroker.api.stream.snapshots import snapshot_of
from floorbroker.app.people.passes import Refusal
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, RateLimitExceeded
from floorbroker.domain.values import Environment
from floorbroker.people.identity import Identity

STREAM_PATH = "/api/v1/{env}/stream"
TICK_S = 0.05
AUTH_S = 10.0
SEND_S = 20.0
LOOK_AGAIN_S = 30.0
SAID_MAX = 64 * 1024
SAID_PER_S = 20


class _Over(Exception):
    """This connection ends, and why."""

    def __init__(self, closing: Closing, reason: str) -> None:
        super().__init__(reason)
        self.closing = closing


class Standing(Protocol):
    """What a connection holds while it stands (`door.Door`)."""

    @property
    def places(self) -> Places: ...

    @property
    def farewell(self) -> Farewell: ...


def stream_route(hubs: Hubs, keeper: Doorkeeper, clock: Clock, door: Standing) -> WebSocketRoute:
    """The route of every environment's stream."""

    async def stream(socket: WebSocket) -> None:
        word = str(socket.path_params["env"])
        environment = next((known for known in Environment if known.value == word), None)
        hub = None if environment is None else hubs.of(environment)
        if hub is None or environment is None:
            await socket.close(Closing.BAD.code, "there is no such environment here")
            return
        with door.farewell.reading():
            await _Connection(socket, hub, keeper, clock, environment, door.places, door.farewell).run()

    return WebSocketRoute(STREAM_PATH, stream, name="stream")


@dataclass(slots=True, eq=False)
class _Connection:
    """One client from its handshake to its end."""

    socket: WebSocket
    hub: Hub
    keeper: Doorkeeper
    clock: Clock
    environment: Environment
    places: Places
    farewell: Farewell
    client: Client = field(default_factory=Client)
    _who: Callable[[], Identity | None] = field(default=lambda: None)
    _said_s: deque[float] = field(default_factory=deque[float])
    _place: Place | None = None

    async def run(self) -> None:
        identity: Identity | None = getattr(self.socket.state, "identity", None)
        waiting = address_of(self.socket) if identity is None else None
        if waiting is not None and not self.places.wait(waiting):
            await self.socket.close(Closing.RATE.code, "too many wait to say who they are")
            return
        try:
            try:
                await self.socket.accept()
                await self._come_in(identity)
            finally:
                if waiting is not None:
                    self.places.waited(waiting)
            self.hub.join(self.client)
            await self._live()
        except _Over as over:
            await self._close(over.closing, str(over))
        except WebSocketDisconnect:
            pass  # the client left
        finally:
            if self._place is not None:
                self.places.give_back(self._place)
            await self.hub.leave(self.client)

    # -- who ----------------------------------------------------------------------------------------------------------

    async def _come_in(self, identity: Identity | None) -> None:
        """By the session of the browser or the header of a program, or by a token in the first message."""
        if identity is not None:
            self._who = self._again()
        else:
            token = await self._token()
            self._who = lambda: self._by_token(token)
            identity = self._who()
        known = self._welcomed(identity)
        try:
            self._place = self.places.take(known, address_of(self.socket))
        except RateLimitExceeded as full:
            raise _Over(Closing.RATE, full.detail) from None

    async def _token(self) -> str:
        try:
            async with asyncio.timeout(AUTH_S):
                said = await self._heard()
        except TimeoutError:
            raise _Over(Closing.STRANGER, f'send {{"op":"auth","token":…}} within {AUTH_S:g} s') from None
        if not isinstance(said, Auth):
            raise _Over(Closing.STRANGER, 'send {"op":"auth","token":…} first')
        return said.token

    def _again(self) -> Callable[[], Identity | None]:
        """How the one who came in by the handshake is looked at again."""
        return lambda: look_again(self.socket, self.keeper)

    def _by_token(self, token: str) -> Identity | None:
        host = host_name(self.socket.headers.get("host", ""))
        found = self.keeper.by_token(token, address=address_of(self.socket), host=host)
        return None if isinstance(found, Refusal) else found

    def _welcomed(self, identity: Identity | None) -> Identity:
        """Who may listen here.  Raises `_Over` for who may not."""
        if identity is None:
            raise _Over(Closing.STRANGER, "that token or session is not known, or is over")
        if wrong := why_not(READ, identity, (self.environment,)):
            raise _Over(Closing.SCOPE, wrong)
        return identity

    # -- life ---------------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Until one side ends it; what ends first ends the others."""
        tasks = [asyncio.ensure_future(work) for work in (self._listen(), self._write(), self._watch(), self._stops())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await self.clock.sleep(LOOK_AGAIN_S)
            self._welcomed(self._who())

    async def _stops(self) -> None:
        await self.farewell.said()
        last = self.client.outbox.seq
        raise _Over(Closing.STOPS, f"the desk stops: come back after {last}" if last else "the desk stops")

    async def _write(self) -> None:
        """A frame at most every 50 ms, with all that waits."""
        outbox = self.client.outbox
        while True:
            await outbox.ready.wait()
            if outbox.overflowed:
                raise _Over(Closing.SLOW, f"too slow: come back after {outbox.seq}")
            told = outbox.take()
            if told:
                try:
                    async with asyncio.timeout(SEND_S):
                        await self.socket.send_text(joined(told))
                except TimeoutError:
                    raise _Over(Closing.SLOW, f"too slow: come back after {outbox.seq}") from None
            await self.clock.sleep(TICK_S)

    async def _listen(self) -> None:
        while True:
            said = await self._heard()
            match said:
                case Subscribe():
                    await self._subscribe(said)
                case Unsubscribe():
                    await self._unsubscribe(said)
                case Ping():
                    self._answer("ack", id=said.id)
                case Auth():
                    self._answer("error", code="invalid_request", detail="you are known already")

    async def _heard(self) -> Said:
        """The next message.  Raises `_Over` for one that nobody should send."""
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        if text is None or len(text) > SAID_MAX:
            raise _Over(Closing.BAD, f"send text of {SAID_MAX // 1024} KiB at most")
        self._keep_pace()
        try:
            return read(text)
        except BadMessage as error:
            raise _Over(Closing.BAD, str(error)) from None

    def _keep_pace(self) -> None:
        now_s = self.clock.monotonic()
        while self._said_s and now_s - self._said_s[0] >= 1:
            self._said_s.popleft()
        if len(self._said_s) >= SAID_PER_S:
            raise _Over(Closing.RATE, f"{SAID_PER_S} messages a second at most")
        self._said_s.append(now_s)

    # -- wishes -------------------------------------------------------------------------------------------------------

    async def _subscribe(self, said: Subscribe) -> None:
        """All of the channels, or none where one is wrong."""
        try:
            wanted = [channel_of(text) for text in said.channels]
            self._must_fit(wanted)
            self._must_be_past(said.after)
            prices = [one for one in wanted if isinstance(one, Price) and one not in self.client.prices]
            await self.hub.want(self.client, prices)
        except BadMessage as error:
            self._answer("error", id=said.id, code="invalid_request", detail=str(error))
            return
        except FloorbrokerError as error:
            self._answer("error", id=said.id, code=error.code, detail=error.detail)
            return
        facts = frozenset(one for one in wanted if isinstance(one, str))
        self._answer("ack", id=said.id, channels=said.channels, seq=self.hub.desk.told_seq())
        if said.after is not None:
            await self.hub.replay(self.client, facts, said.after)
        else:
            await self._begin(facts - self.client.channels)

    def _must_fit(self, wanted: list[str | Price]) -> None:
        known = {status.profile.name for status in self.hub.desk.profiles()}
        for one in wanted:
            if isinstance(one, Price) and one.profile not in known:
                raise BadMessage(f"there is no profile {one.profile!r}; there are: {', '.join(sorted(known))}")
        if len(self.client.channels | self.client.prices | set(wanted)) > WANTED_MAX:
            raise BadMessage(f"a connection has {WANTED_MAX} channels at most")

    def _must_be_past(self, after: int | None) -> None:
        last = self.hub.desk.last_seq()
        if after is not None and after > last:
            raise BadMessage(f"after {after} is in the future: the journal ends with {last}")

    async def _begin(self, facts: frozenset[str]) -> None:
        """How things stand, then what changes; what happens while it is looked at waits."""
        self.client.held = [] if self.client.held is None else self.client.held
        self.client.channels |= facts
        for channel in sorted(facts):
            seq = self.hub.desk.told_seq()
            try:
                data = await snapshot_of(channel, self.hub.desk)
            except FloorbrokerError as error:
                self._answer("error", channel=channel, code=error.code, detail=error.detail)
                continue
            if data is not None:
                self._answer("snapshot", channel=channel, seq=seq, data=data)
        held, self.client.held = self.client.held, None
        for event, told in held or ():
            self.client.outbox.put(told, event.seq)

    async def _unsubscribe(self, said: Unsubscribe) -> None:
        try:
            gone = [channel_of(text) for text in said.channels]
        except BadMessage as error:
            self._answer("error", id=said.id, code="invalid_request", detail=str(error))
            return
        self.client.channels -= {one for one in gone if isinstance(one, str)}
        await self.hub.unwant(self.client, [one for one in gone if isinstance(one, Price)])
        self._answer("ack", id=said.id, channels=said.channels)

    def _answer(self, kind: str, **members: Any) -> None:
        self.client.outbox.put(envelope(kind, ts=self.clock.now(), **{k: v for k, v in members.items() if v != ""}))

    async def _close(self, closing: Closing, reason: str) -> None:
        if self.socket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(1):
                    await self.socket.close(closing.code, reason[:120])
            except (TimeoutError, RuntimeError):
                return  # it does not read, or is gone: the server drops the connection
