"""The WebSocket API: the operations of the REST API as frames, log-on, and the user data events beside the answers.

https://developers.binance.com/docs/binance-spot-api-docs/websocket-api
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from floorbroker_sim.binance import errors, info, wire
from floorbroker_sim.binance.auth import Key, socket_payload
from floorbroker_sim.binance.errors import Refused
from floorbroker_sim.binance.limits import epoch_ms
from floorbroker_sim.binance.rest.desk import Desk
from floorbroker_sim.binance.rest.door import Asked, answer, verify
from floorbroker_sim.binance.rest.reading import Params
from floorbroker_sim.binance.rest.routes import BY_METHOD, CLIENT_IDS
from floorbroker_sim.binance.stream import events
from floorbroker_sim.binance.wire import Instant
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Command, Outbox

_TOO_MUCH = 1008
_AWAY = 1001
_CONNECT_WEIGHT = 2
_SESSION_WEIGHT = 2


class Frame(msgspec.Struct):
    """One request.  Values of parameters stay as they were written: they are signed as text."""

    method: str
    id: int | str | None = None
    params: dict[str, msgspec.Raw] | None = None


class ApiSession:
    """One client of the WebSocket API."""

    def __init__(self, desk: Desk, *, encode: wire.Encode, limits: bool = True) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self.since = desk.state.clock.now()
        self._desk = desk
        self._encode = encode
        self._limits = limits
        self._key: Key | None = None
        self._key_since: datetime | None = None
        self._subscriptions: dict[int, bool] = {}  # by id: whether it came of the log-on
        self._next_subscription = 0
        self._is_answering = False
        self._held: list[dict[str, object]] = []
        self._own: dict[str, Callable[[dict[str, str]], object]] = {
            "session.logon": self._log_on,
            "session.status": lambda _values: self._status(),
            "session.logout": self._log_out,
            "session.subscriptions": self._list,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    @property
    def symbols(self) -> set[str]:
        """Nobody waits for prices here."""
        return set()

    def opened(self) -> None:
        self._desk.state.listeners.events.append(self._on_event)
        try:
            self._desk.state.meter.take(_CONNECT_WEIGHT)
        except Refused as refused:
            self._refuse(None, refused)
            self.outbox.close(_TOO_MUCH)

    def closed(self) -> None:
        self._desk.state.listeners.events.remove(self._on_event)

    def impatient(self) -> None:
        """A connection may stay silent."""

    # --- Requests -------------------------------------------------------------------------------------------------------

    def received(self, data: bytes | str) -> None:
        if data in {b"", ""}:
            return  # a pong of some clients
        read = _read(data)
        if read is None:
            self._refuse(None, errors.bad(-1135, "Invalid JSON Request"))
        else:
            self._is_answering = True
            try:
                self._answer(*read)
            finally:
                self._is_answering = False
                self._let_go()

    def command(self, data: bytes | str) -> Command | None:
        """The order command in a frame, for fault plans and the request log."""
        read = _read(data)
        if read is None:
            return None
        method, values = read[0].method.removeprefix("v3/"), read[1]
        operation = BY_METHOD.get(method)
        if operation is None or not operation.is_command:
            return None
        client = next((values[name] for name in CLIENT_IDS if name in values), None) if operation.places else None
        return Command(f"/{method}", client)

    def refuse(self, fault: Fault, data: bytes | str) -> None:
        """Answer a command by a fault of the plan."""
        read, meter = _read(data), self._desk.state.meter
        refused = errors.fault_refusal(
            fault, now_ms=epoch_ms(self._desk.state.clock.now()), limit=meter.per_minute or info.WEIGHT_PER_MINUTE
        ) or Refused(503, -1016, "This service is no longer available.")
        if fault.args.status is not None:
            refused.status = fault.args.status
        self._refuse(None if read is None else read[0].id, refused)

    def _answer(self, frame: Frame, values: dict[str, str]) -> None:
        if self._key is not None and self._key.name not in self._desk.state.keys.keys:
            self._key = self._key_since = None
            self._refuse(None, errors.unknown_key())
        method = frame.method.removeprefix("v3/")
        shows = values.get("returnRateLimits", str(self._limits)).lower() == "true"
        places = method in BY_METHOD and BY_METHOD[method].places
        try:
            result = self._result(method, values)
        except Refused as refused:
            self._refuse(frame.id, refused, shows=shows, places=places)
            if refused.status == 418:
                self.outbox.close(_TOO_MUCH)
            return
        self._say({"id": frame.id, "status": 200, "result": result} | self._limits_shown(shows=shows, places=places))

    def _result(self, method: str, values: dict[str, str]) -> Any:
        if method in self._own:
            self._desk.state.meter.take(_SESSION_WEIGHT)
            return self._own[method](values)
        operation = BY_METHOD.get(method)
        if operation is None:
            raise errors.bad(-1000, f"Unknown method: {method}")
        known = self._key if operation.signed and "apiKey" not in values else None
        return answer(self._desk, operation, _asked(values), known=known)

    def _refuse(self, number: int | str | None, refused: Refused, *, shows: bool = False, places: bool = False) -> None:
        error: dict[str, object] = dict(refused.body)
        if refused.retry is not None:
            error["data"] = refused.retry
        line = {"id": number, "status": refused.status, "error": error}
        self._say(line | self._limits_shown(shows=shows, places=places))

    def _limits_shown(self, *, shows: bool, places: bool) -> dict[str, object]:
        if not shows:
            return {}
        meter = self._desk.state.meter
        return {"rateLimits": [*(meter.order_limits() if places else []), meter.weight_limit()]}

    # --- Sessions -------------------------------------------------------------------------------------------------------

    def _log_on(self, values: dict[str, str]) -> object:
        key = verify(self._desk, _asked(values))
        if key.kind != "ED25519":
            raise errors.Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")
        self._key, self._key_since = key, self._desk.state.clock.now()
        return self._status()

    def _status(self) -> dict[str, object]:
        return {
            "apiKey": None if self._key is None else self._key.name,
            "authorizedSince": None if self._key_since is None else Instant(self._key_since),
            "connectedSince": Instant(self.since), "returnRateLimits": self._limits,
            "serverTime": Instant(self._desk.state.clock.now()), "userDataStream": any(self._subscriptions.values()),
        }  # fmt: skip

    def _log_out(self, _values: dict[str, str]) -> object:
        self._key = self._key_since = None
        for number in [number for number, of_logon in self._subscriptions.items() if of_logon]:
            self._end(number)
        return self._status()

    # --- User data ------------------------------------------------------------------------------------------------------

    def _list(self, _values: dict[str, str]) -> object:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe(self, _values: dict[str, str]) -> object:
        if self._key is None:
            raise errors.unknown_key()
        return self._begin(of_logon=True)

    def _subscribe_signed(self, values: dict[str, str]) -> object:
        verify(self._desk, _asked(values))
        return self._begin(of_logon=False)

    def _begin(self, *, of_logon: bool) -> dict[str, int]:
        if self._subscriptions:
            raise errors.bad(-2035, "User Data Stream subscription already active.")
        if self._next_subscription >= info.MAX_SUBSCRIPTIONS:
            raise errors.bad(-2042, "Maximum subscription ID reached for this connection.")
        number = self._next_subscription
        self._next_subscription += 1
        self._subscriptions[number] = of_logon
        return {"subscriptionId": number}

    def _unsubscribe(self, values: dict[str, str]) -> object:
        number = Params(values).integer("subscriptionId")
        if number is None:
            for known in tuple(self._subscriptions):
                self._end(known)
        elif number in self._subscriptions:
            self._end(number)
        else:
            raise errors.bad(-2036, "User Data Stream subscription not active.")
        return {}

    def _end(self, number: int) -> None:
        del self._subscriptions[number]
        self._say({"subscriptionId": number, "event": events.terminated(self._desk.state.clock.now())})

    def _on_event(self, event: object) -> None:
        frames: list[dict[str, object]] = [{"subscriptionId": number, "event": event} for number in self._subscriptions]
        if self._is_answering or self._held:
            self._held += frames
            return
        for frame in frames:
            self._say(frame)

    def _let_go(self) -> None:
        """Events that a request caused here follow its answer as frames of their own: who loses the answer has them still."""
        if not self._held:
            return
        try:
            asyncio.get_running_loop().call_soon(self._say_held)
        except RuntimeError:  # nobody runs: the frames are read by hand
            self._say_held()

    def _say_held(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self._say(frame)

    # --- The connection -------------------------------------------------------------------------------------------------

    def tick(self, at: datetime) -> None:
        """The connection's day may be over."""
        if at - self.since >= info.LIFETIME:
            self.end()

    def shut_down(self) -> None:
        """Say that the server goes down."""
        self._say({"event": events.shutdown(self._desk.state.clock.now())})

    def end(self, code: int = _AWAY) -> None:
        self.outbox.close(code)

    def _say(self, value: Any) -> None:
        if not self.outbox.put(self._encode(value).decode()):
            self.outbox.close(_TOO_MUCH)


def _asked(values: dict[str, str]) -> Asked:
    return Asked(values=values, payload=socket_payload(values), key=values.get("apiKey"))


def _read(data: bytes | str) -> tuple[Frame, dict[str, str]] | None:
    """A frame and its parameters as text; None for what is no request."""
    try:
        frame = msgspec.json.decode(data, type=Frame)
        values = {name: _text(raw) for name, raw in (frame.params or {}).items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return frame, {name: value for name, value in values.items() if value is not None}


def _text(raw: msgspec.Raw) -> str | None:
    """A value as text: strings without their quotes, everything else as it was written; None for null."""
    data = bytes(raw)
    if data.startswith(b'"'):
        return msgspec.json.decode(data, type=str)
    return None if data == b"null" else data.decode()
