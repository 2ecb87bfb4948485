"""Start a simulator over TCP or TLS, and say on one line where it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from floorbroker.domain.clock import SystemClock
from floorbroker_sim.faults import Fault, read_faults
from floorbroker_sim.gate import CUT
from floorbroker_sim.tcp import Talks, listen
from floorbroker_sim.tls import TestAuthority

VENUES = ("alpaca", "binance", "kraken", "bybit", "tradier", "ibkr", "ibkr-web", "oanda", "upstox", "polygon", "yahoo")
STREAMS_OVER_HTTP = frozenset({"oanda"})  # their streams are replies that do not end
ASKED_ONLY = frozenset({"yahoo"})  # nothing is pushed
PLAIN = frozenset({"ibkr"})  # their protocol knows no TLS
LOOPBACK = "127.0.0.1"


PONG_WITHIN_S = 60.0


class ServedVenue(Protocol):
    """What the server needs of a venue.  One that pings its sockets says how often in `ping_every_s`.

    A venue that talks a protocol of its own (`tcp.Talks`) has no `app`.
    """

    name: str
    app: Any
    control_app: Any

    @property
    def credentials(self) -> dict[str, str]: ...
    async def run(self) -> None: ...


class _Http(HttpToolsProtocol):
    """Lets an app close the connection under a request: `scope["extensions"][CUT]`."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CUT: self.transport.abort}  # type: ignore[typeddict-item]


class _WebSocket(WebSocketsSansIOProtocol):
    """The same for streams."""

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"] or {}  # type: ignore[assignment]
        self.scope["extensions"] = {**extensions, CUT: self.transport.abort}  # type: ignore[typeddict-item]
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        """An answer instead of a handshake ends it as well: a refusal or a redirect is nothing to complain about."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True


class _Server(uvicorn.Server):
    """Two of them share one loop, so neither takes the signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def load_venue(venue: str) -> Callable[..., ServedVenue]:
    """`create_venue` of a venue by its simulator word.  Raises `KeyError` for one that does not exist."""
    if venue not in VENUES:
        raise KeyError(venue)
    module = import_module(f"floorbroker_sim.{venue.replace('-', '_')}.venue")
    create: Callable[..., ServedVenue] = module.create_venue
    return create


async def serve(
    venue: ServedVenue,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    tls: bool = False,
    ready: Callable[[dict[str, Any]], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set (or a signal comes).  `ready` gets the start-up line once both doors listen.

    The control door has a port of its own, on loopback whatever `host` says.
    """
    ending = stop or asyncio.Event()
    with tempfile.TemporaryDirectory(prefix="floorbroker-sim-") as folder:
        authority = TestAuthority.create(Path(folder), host=host) if tls else None
        doors = [_door(venue.control_app, LOOPBACK, 0, None)]
        spoken: asyncio.Server | None = None
        if isinstance(venue, Talks):
            entrance = _bound(host, port)
            spoken = await listen(venue, entrance)
        else:
            doors.append(_door(venue.app, host, port, authority, ping_every_s=getattr(venue, "ping_every_s", None)))
            entrance = doors[-1][1]
        ports = entrance.getsockname()[1], doors[0][1].getsockname()[1]
        tasks = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in doors]
        feeder = asyncio.create_task(venue.run())
        feeder.add_done_callback(lambda task: ending.set() if _failed(task) else None)
        try:
            await _started([server for server, _ in doors], tasks)
            ready(_line(venue, host, ports, authority))
            await _until(ending, tasks)
        finally:
            feeder.cancel()
            if spoken is not None:
                spoken.close()
            for server, _ in doors:
                server.should_exit = server.force_exit = True
            await asyncio.gather(*tasks, feeder, return_exceptions=True)
        if _failed(feeder):
            feeder.result()


def _failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None


def _door(
    app: Any, host: str, port: int, authority: TestAuthority | None, *, ping_every_s: float | None = None
) -> tuple[_Server, socket.socket]:
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", http=_Http, ws=_WebSocket, ws_max_size=1 << 20,
        ws_per_message_deflate=True, server_header=False, date_header=False, timeout_keep_alive=75, ws_ping_interval=ping_every_s,
        ws_ping_timeout=PONG_WITHIN_S,
        ssl_certfile=None if authority is None else str(authority.certificate),
        ssl_keyfile=None if authority is None else str(authority.key),
    )  # fmt: skip
    return _Server(config), _bound(host, port)


def _bound(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle off only on sockets that say they are TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


async def _started(servers: list[_Server], tasks: list[asyncio.Task[None]]) -> None:
    clock = SystemClock()
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
                raise RuntimeError("the simulator stopped before it listened")
        await clock.sleep(0.005)


async def _until(ending: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    waiting = asyncio.create_task(ending.wait())
    try:
        await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _line(venue: ServedVenue, host: str, ports: tuple[int, int], authority: TestAuthority | None) -> dict[str, Any]:
    port, control = ports
    shown = LOOPBACK if host in {"0.0.0.0", ""} else host  # noqa: S104 - what people may bind, not what we choose
    secure = "s" if authority is not None else ""
    is_http = not isinstance(venue, Talks)
    origin, socket_origin = (f"{scheme}{secure}://{shown}:{port}" for scheme in ("http", "ws"))
    has_sockets = is_http and venue.name not in STREAMS_OVER_HTTP | ASKED_ONLY
    return {
        "venue": venue.name,
        "rest": origin if is_http else None,
        "ws": socket_origin if has_sockets else origin if venue.name in STREAMS_OVER_HTTP else None,
        "data_ws": socket_origin if has_sockets else None,
        "host": shown,
        "port": port,
        "control": f"http://{LOOPBACK}:{control}",
        "ca": None if authority is None else str(authority.ca),
        "credentials": {
            **venue.credentials,
            "BROKER_URL": origin if is_http else f"tws://{shown}:{port}",
        },
    }


def run_venue(
    venue: str,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    seed: int = 0,
    data: Path | None = None,
    faults: Path | None = None,
    tls: bool = False,
    calendar: bool = False,
    rate: int | None = None,
) -> int:
    """Run a simulator in the foreground until a signal; returns the exit code.

    Raises `KeyError` and `BadFault`, and `ValueError` for TLS where the protocol knows none.
    """
    if tls and venue in PLAIN:
        raise ValueError(f"the protocol of {venue} knows no TLS")
    create = load_venue(venue)
    plan: list[Fault] = read_faults(faults.read_bytes()) if faults is not None else []
    served = create(seed=seed, clock=SystemClock(), data=data, calendar=calendar, faults=plan, rate=rate)
    asyncio.run(_foreground(served, host=host, port=port, tls=tls))
    return 0


async def _foreground(venue: ServedVenue, *, host: str, port: int, tls: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends the loop by itself
            loop.add_signal_handler(number, stop.set)
    await serve(venue, host=host, port=port, tls=tls, ready=_announce, stop=stop)


def _announce(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + os.linesep)
    sys.stdout.flush()
