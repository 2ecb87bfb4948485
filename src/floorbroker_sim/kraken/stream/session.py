"""One client on one socket: acknowledgements, subscriptions, commands, heartbeats.  Decides only; frames go to the outbox.

Public and private channels live on one path here, as the two hosts of the venue share it.
https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/subscribe
"""

from __future__ import annotations

from datetime import datetime

from floorbroker.domain.values import time_text
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Command, Outbox
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.auth import Keys
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.rest.public import find_pair
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import LedgerLine
from floorbroker_sim.kraken.rest.state import State, Told
from floorbroker_sim.kraken.stream import commands, market
from floorbroker_sim.kraken.stream.market import BookFeed, Feed, Wanted
from floorbroker_sim.kraken.stream.numbers import encode
from floorbroker_sim.kraken.stream.private import Balances, Executions, Numbered
from floorbroker_sim.market import Tick

PATHS = frozenset({"/v2", "/auth/v2"})
_PUBLIC = frozenset({"book", "ticker", "trade", "ohlc"})
_PRIVATE = frozenset({"executions", "balances"})
_SLOW = 1008

Message = dict[str, object]


class Session:
    """The life of a connection."""

    def __init__(self, state: State, keys: Keys) -> None:
        self.outbox = Outbox()
        self.patience_s: float | None = None
        self._state = state
        self._keys = keys
        self._feeds: dict[tuple[str, str, object], Feed] = {}
        self._instrument = False
        self._executions: Executions | None = None
        self._balances: Balances | None = None
        self._spoke = False

    # --- The connection -----------------------------------------------------------------------------------------------

    def opened(self) -> None:
        listeners = self._state.listeners
        listeners.orders.append(self._on_order)
        listeners.ledger.append(self._on_ledger)
        listeners.prices.append(self._on_price)
        row: Message = {
            "api_version": "v2", "connection_id": self._state.random_connection(), "system": self._state.settings.system,
            "version": info.ENGINE_VERSION,
        }  # fmt: skip
        self._say({"channel": "status", "type": "update", "data": [row]})

    def closed(self) -> None:
        listeners = self._state.listeners
        listeners.orders.remove(self._on_order)
        listeners.ledger.remove(self._on_ledger)
        listeners.prices.remove(self._on_price)
        for private in (self._executions, self._balances):
            self._release(private)

    def impatient(self) -> None:
        """This venue waits for ever."""

    @property
    def symbols(self) -> set[str]:
        """Pairs somebody waits for here."""
        return {feed.pair.symbol for feed in self._feeds.values()}

    def books(self, symbol: str) -> list[BookFeed]:
        return [f for f in self._feeds.values() if isinstance(f, BookFeed) and f.pair.symbol == symbol]

    def on_second(self, at: datetime) -> None:
        """Books move by themselves; when nothing was said for a second, a heartbeat is."""
        for feed in tuple(self._feeds.values()):
            self._maybe(feed.on_second(at))
        is_subscribed = self._feeds or self._instrument or self._executions or self._balances
        if is_subscribed and not self._spoke:
            self._say({"channel": "heartbeat"})
        self._spoke = False

    # --- What the client says -----------------------------------------------------------------------------------------

    def received(self, data: bytes | str) -> None:
        """A frame, text or binary."""
        at = self._state.clock.now()
        method, req_id = "", None
        try:
            message = Params.of_json(data.encode() if isinstance(data, str) else data)
            method, req_id = message.text("method") or "", message.whole("req_id", low=-(1 << 63), high=(1 << 63) - 1)
            params = message.inner("params") or Params({})
            self._answer(method, params, req_id, at)
        except Refused as refused:
            self._refuse(method, refused.text, req_id, at)

    def command(self, data: bytes | str) -> Command | None:
        """The order command in a frame, for fault plans and the request log."""
        method, _, params = self._peek(data)
        if method not in commands.NEEDS:
            return None
        return Command(f"/{method}", params.names("cl_ord_id")[0] if "cl_ord_id" in params else None)

    def refuse(self, fault: Fault, data: bytes | str) -> None:
        """Answer a command with an error instead of doing it."""
        at = self._state.clock.now()
        method, req_id, _ = self._peek(data)
        if fault.what == "token_expiry":
            self._state.tokens.expire()
        self._refuse(method, errors.fault_text(fault, at), req_id, at)

    @staticmethod
    def _peek(data: bytes | str) -> tuple[str, int | None, Params]:
        """Method, request id and arguments; empty for a frame that cannot be read."""
        try:
            message = Params.of_json(data.encode() if isinstance(data, str) else data)
            req_id = message.whole("req_id", low=-(1 << 63), high=(1 << 63) - 1)
            return message.text("method") or "", req_id, message.inner("params") or Params({})
        except Refused:
            return "", None, Params({})

    def _answer(self, method: str, params: Params, req_id: int | None, at: datetime) -> None:
        self._state.advance(at)
        match method:
            case "ping":
                self._say({"method": "pong", **_req(req_id), **self._times(at)})
            case "subscribe" | "unsubscribe":
                self._channel(method, params, req_id, at)
            case "cancel_order":
                self._check_token(method, params)
                for kind, name in commands.cancel_names(params):
                    self._cancel(kind, name, req_id, at)
            case _ if method in commands.COMMANDS:
                self._check_token(method, params)
                result = commands.COMMANDS[method](self._state, params)
                self._done(method, result, req_id, at)
            case _:
                raise Refused("Unsupported method" if method else "Method missing")

    def _cancel(self, kind: str, name: str, req_id: int | None, at: datetime) -> None:
        try:
            for result in commands.cancel_one(self._state, kind, name):
                self._done("cancel_order", result, req_id, at)
        except Refused as refused:
            self._refuse("cancel_order", refused.text, req_id, at)

    def _check_token(self, method: str, params: Params) -> str:
        token = params.text("token")
        if token is None or not self._state.tokens.is_good(token, self._state.clock.now()):
            raise Refused(errors.SESSION)
        needed = commands.NEEDS.get(method)
        if needed is not None and needed not in self._keys.permissions:
            raise Refused(errors.PERMISSION_DENIED)
        return token

    # --- Channels -----------------------------------------------------------------------------------------------------

    def _channel(self, method: str, params: Params, req_id: int | None, at: datetime) -> None:
        channel = params.text("channel")
        if channel in _PUBLIC:
            self._public(method, channel, params, req_id, at)
        elif channel in _PRIVATE:
            self._private(method, channel, params, req_id, at)
        elif channel == "instrument":
            self._instruments(method, params, req_id, at)
        else:
            raise Refused(f"Channel '{channel}' not supported" if channel else "Channel missing")

    def _public(self, method: str, channel: str, params: Params, req_id: int | None, at: datetime) -> None:
        """One answer for each symbol."""
        names = params.names("symbol")
        if not names:
            raise invalid("symbol")
        for name in names:
            try:
                self._one(method, market.wanted(channel, self._symbol(name), params), params, req_id, at)
            except Refused as refused:
                self._refuse(method, refused.text, req_id, at, symbol=name)

    def _symbol(self, name: str) -> str:
        try:
            pair = find_pair(self._state, name)
        except Refused as error:
            raise Refused(f"Currency pair not supported {name}") from error
        if name != pair.symbol:
            raise Refused(f"Currency pair not supported {name}")
        return name

    def _one(self, method: str, want: Wanted, params: Params, req_id: int | None, at: datetime) -> None:
        if method == "unsubscribe":
            if self._feeds.pop(want.key, None) is None:
                raise Refused("Subscription not found")
            self._done(method, want.echo, req_id, at)
            return
        if want.key in self._feeds:
            raise Refused("Already subscribed")
        snapshot = params.flag("snapshot", default=want.key[0] != "trade")
        feed = market.feed_of(self._state, self._state.pairs[want.key[1]], want, snapshot=snapshot)
        self._feeds[want.key] = feed
        self._done(method, {**want.echo, "snapshot": snapshot}, req_id, at)
        self._maybe(feed.snapshot(at))

    def _instruments(self, method: str, params: Params, req_id: int | None, at: datetime) -> None:
        wants = method == "subscribe"
        if wants is self._instrument:
            raise Refused("Already subscribed" if wants else "Subscription not found")
        self._instrument = wants
        snapshot = params.flag("snapshot", default=True)
        self._done(method, {"channel": "instrument", "snapshot": snapshot}, req_id, at)
        if wants and snapshot:
            self._say(market.instruments(self._state.pairs))

    def _private(self, method: str, channel: str, params: Params, req_id: int | None, at: datetime) -> None:
        token = self._check_token(method, params)
        present = self._executions if channel == "executions" else self._balances
        if method == "unsubscribe":
            if present is None:
                raise Refused("Subscription not found")
            self._forget(channel)
            self._done(method, {"channel": channel}, req_id, at)
            return
        if present is not None:
            raise Refused("Already subscribed")
        self._state.tokens.hold(token)
        if channel == "executions":
            self._executions = Executions(
                channel, token, snap_orders=params.flag("snap_orders", default=True),
                snap_trades=params.flag("snap_trades"), order_status=params.flag("order_status", default=True),
                ratecounter=params.flag("ratecounter"),
            )  # fmt: skip
            self._done(method, self._executions.echo(self._state), req_id, at)
            self._maybe(self._executions.snapshot(self._state))
        else:
            self._balances = Balances(channel, token, wants_snapshot=params.flag("snapshot", default=True))
            self._done(method, self._balances.echo(), req_id, at)
            self._maybe(self._balances.snapshot(self._state))

    def _forget(self, channel: str) -> None:
        if channel == "executions":
            self._release(self._executions)
            self._executions = None
        else:
            self._release(self._balances)
            self._balances = None

    def _release(self, private: Numbered | None) -> None:
        if private is not None:
            self._state.tokens.release(private.token)

    # --- What happens -------------------------------------------------------------------------------------------------

    def _on_order(self, told: Told) -> None:
        if self._executions is not None:
            self._maybe(self._executions.told(told))

    def _on_ledger(self, lines: list[LedgerLine]) -> None:
        if self._balances is not None:
            self._say(self._balances.posted(lines))

    def _on_price(self, tick: Tick) -> None:
        named = tick.quote or tick.trade
        if named is None:
            return
        for feed in tuple(self._feeds.values()):
            if feed.pair.symbol == named.symbol:
                self._maybe(feed.on_price(tick))

    # --- Saying -------------------------------------------------------------------------------------------------------

    def _times(self, at: datetime) -> Message:
        return {"time_in": time_text(at), "time_out": time_text(self._state.clock.now())}

    def _done(self, method: str, result: object, req_id: int | None, at: datetime) -> None:
        self._say({"method": method, **_req(req_id), "result": result, "success": True, **self._times(at)})

    def _refuse(self, method: str, text: str, req_id: int | None, at: datetime, *, symbol: str | None = None) -> None:
        about: Message = {"error": text} | ({"method": method} if method else {}) | _req(req_id)
        about |= {"success": False} | ({} if symbol is None else {"symbol": symbol})
        self._say({**about, **self._times(at)})

    def _maybe(self, message: Message | None) -> None:
        if message is not None:
            self._say(message)

    def _say(self, message: Message) -> None:
        self._spoke = True
        if not self.outbox.put(encode(message)):
            self.outbox.close(_SLOW)


def _req(req_id: int | None) -> Message:
    return {} if req_id is None else {"req_id": req_id}
