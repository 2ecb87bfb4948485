"""`up`: gateway, server and web page in one process, until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import CONFIG, CONFLICT, INTERRUPTED, TERMINATED, Trouble
from floorbroker.cli.passphrases import PASSPHRASE, Given, asker
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import say, show_json, show_text

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from floorbroker.api.crowd import Crowd
    from floorbroker.api.farewell import Farewell
    from floorbroker.api.metrics import PrometheusMeter
    from floorbroker.app.config import ServerSection
    from floorbroker.app.floor import Floor, Outside
    from floorbroker.app.home import Home
    from floorbroker.app.hooks import Hooks
    from floorbroker.app.operations import Operations
    from floorbroker.app.operator import Operator
    from floorbroker.app.people import People
    from floorbroker.app.studies import Studies
    from floorbroker.app.trail import Trail
    from floorbroker.domain.ports import AuditEntry
    from floorbroker.domain.secret import Secret

GRACE_S = 5
SETTLE_S = 10
LOCK = "lock"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def register(app: typer.Typer) -> None:
    """Add the verb of the server."""
    app.command("up")(up)


def up(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Where to listen; loopback unless configured.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="8750 unless configured; 0 takes a free one.")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option(min=0, help="Read the vault's passphrase from this file descriptor.")
    ] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="Read the vault's passphrase from this file.")] = None,
) -> None:
    """Run gateway, server and web page."""
    from floorbroker.app.config import load
    from floorbroker.app.hardening import harden
    from floorbroker.app.logs import open_log, told_in
    from floorbroker.app.open_files import room_for
    from floorbroker.store.lock import ProcessLock

    harden()
    settings = settings_of(ctx)
    home = settings.open_home()
    section = load(home, path=settings.config).server
    address = bindable(host or section.host, section.port if port is None else port, configured=section.host)
    outside = settings.outside()
    outside.passphrase = asker(settings, home, Given(passphrase_fd, passphrase_file, PASSPHRASE))
    level = "error" if settings.quiet else "debug" if settings.verbose > 1 else "info"
    outside.log = open_log(outside.redactor, level=level, pretty=sys.stderr.isatty())
    if (room := room_for(section.connections)) < section.connections:
        outside.log.warning("server.few_files", connections=section.connections, room=room)
    lock = ProcessLock(home.root / LOCK)
    lock.acquire()
    try:
        with listening(*address) as listener:
            _mark(home, url_of(address[0], listener.getsockname()[1]))
            with told_in(outside.log), asyncio.Runner(loop_factory=fast_loop()) as runner:
                code = runner.run(_serve(settings, home, listener, address[0], outside))
    finally:
        (home.root / LOCK).write_text("", "ascii")
        lock.release()
    raise typer.Exit(code)


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed (the extra `fast`); else None, which is asyncio's own."""
    return import_module("uvloop").new_event_loop if find_spec("uvloop") else None


def bindable(host: str, port: int, *, configured: str) -> tuple[str, int]:
    """The address to listen on.  Raises `Trouble` for one that others could reach and that no configuration names."""
    if host in LOOPBACK or host == configured:
        return host, port
    raise Trouble(
        code="config_invalid",
        detail=f"--host {host} is not loopback: other machines could reach the desk",
        fix=f'if that is meant, put TLS in front and set it in floorbroker.toml:  [server] host = "{host}"',
        exit_code=CONFIG,
    )


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """A bound socket, before anything else is opened.  Raises `Trouble` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as error:
            raise Trouble(
                code="conflict",
                detail=f"cannot listen on {host}:{port}: {error.strerror}",
                fix="stop the other program, or choose another port: floorbroker up --port 8751",
                exit_code=CONFLICT,
            ) from error
        yield listener


def url_of(host: str, port: int) -> str:
    """The address people and programs on this machine use."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _mark(home: Home, url: str) -> None:
    """Say in the lock who runs here and where: other commands read it."""
    (home.root / LOCK).write_text(f"{os.getpid()}\n{url}\n", "ascii")


@dataclass(slots=True)
class _Ending:
    """What signals do: the first ends cleanly, the second at once."""

    number: int = 0
    server: Any = None
    task: asyncio.Task[Any] | None = None
    _codes: dict[int, int] = field(default_factory=lambda: {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED})

    def watch(self) -> None:
        self.task = asyncio.current_task()
        for number in self._codes:
            with suppress(NotImplementedError):  # Windows: Ctrl-C ends the loop by itself
                asyncio.get_running_loop().add_signal_handler(number, self.on_signal, number)

    def on_signal(self, number: int) -> None:
        if self.server is not None:
            self.server.force_exit = self.number != 0
            self.server.should_exit = True
        elif self.task is not None:
            self.task.cancel()
        self.number = number

    @property
    def code(self) -> int:
        return self._codes.get(self.number, 0)


async def _serve(settings: Settings, home: Home, listener: socket.socket, host: str, outside: Outside) -> int:
    from floorbroker.api.hooking import hooks_at
    from floorbroker.api.metrics import PrometheusMeter
    from floorbroker.app.floor import open_floor
    from floorbroker.app.hardening import forget_environment
    from floorbroker.app.tripping import SignalKill

    ending, meter, by_signal = _Ending(), PrometheusMeter(), SignalKill(home, outside.log)
    ending.watch()
    by_signal.watch()
    outside.meter = meter
    try:
        async with open_floor(home, outside=outside, config_path=settings.config) as floor:
            forget_environment()
            by_signal.desks = floor.desks
            door, hooks = await _door(floor, outside), hooks_at(floor, outside)
            studies, operations = _studies(floor, outside)
            app = _app(floor, door, host, outside, meter, config=settings.config, hooks=hooks, studies=studies)
            url = url_of(*listener.getsockname()[:2])
            shown = door.operator.token if door.operator.is_first and not door.people.has_users else None
            telling = asyncio.create_task(_announce_settled(settings, floor, url, shown))
            try:
                await hooks.start()
                floor.seating.on_desk.append(hooks.outbox.attend)
                config = serving(app, floor.config.server.proxies, _crowd(floor.config.server, meter))
                await _run(config, listener, ending, app.state.door.farewell)
            finally:
                telling.cancel()
                await operations.close()
                await hooks.close()
            _say_what_is_left(settings, floor)
    except asyncio.CancelledError:
        if not ending.number:
            raise
    return ending.code


@dataclass(frozen=True, slots=True)
class _Ways:
    """Who may come in, and where that is recorded."""

    operator: Operator
    trail: Trail
    people: People


async def _door(floor: Floor, outside: Outside) -> _Ways:
    from floorbroker.app.operator import Operator
    from floorbroker.app.people import People
    from floorbroker.app.trail import Trail

    trail = Trail(journals=floor.vault.acts.opened, clock=outside.clock, log=outside.log)
    people = await People.open(floor.cold, acts=floor.vault.acts, trail=trail, clock=outside.clock)
    operator = Operator.of(floor.home, outside.redactor)
    people.on_first.append(operator.renew)
    return _Ways(operator, trail, people)


def _studies(floor: Floor, outside: Outside) -> tuple[Studies, Operations]:
    """What doors show of research and backtests, and the long work that has to end with the desk."""
    from floorbroker.app.backtesting import Backtests
    from floorbroker.app.operations import Operations
    from floorbroker.app.studies import Studies

    operations, named = Operations(outside.clock), os.environ.get("FLOORBROKER_DATA")
    home, section = floor.home, floor.config.backtests

    async def record(entry: AuditEntry) -> None:
        await floor.vault.acts.record([entry])

    backtests = Backtests(
        home=home,
        operations=operations,
        recorded=Path(named).absolute() if named else None,
        record=record,
        most=section.keep,
        most_mb=section.keep_mb,
    )
    return Studies(home, backtests), operations


def _app(
    floor: Floor,
    door: _Ways,
    host: str,
    outside: Outside,
    meter: PrometheusMeter,
    *,
    config: Path | None,
    hooks: Hooks,
    studies: Studies,
) -> FastAPI:
    from floorbroker import __version__
    from floorbroker.api import create_app
    from floorbroker.api.pace import Rates
    from floorbroker.api.places import UNBOUNDED, Places
    from floorbroker.app.catalogue import KNOWN
    from floorbroker.app.compose import BROKERS
    from floorbroker.app.profiles import Profiles
    from floorbroker.app.strategies import Strategies
    from floorbroker.web import web_page

    section = floor.config.server
    rates = Rates(caller=section.per_minute, address=section.per_minute_address, stranger=section.per_minute_stranger)
    stored = Profiles.of(floor.home, floor.vault, outside, path=config, seating=floor.seating)
    strategies = Strategies(floor.home)
    places = Places(
        most=section.connections or UNBOUNDED,
        at_a_token=section.streams_token or UNBOUNDED,
        at_an_address=section.connections_address or UNBOUNDED,
        meter=meter,
    )
    known = tuple(BROKERS.values())
    page = web_page(
        desks=floor.desks,
        clock=outside.clock,
        version=__version__,
        brokers=tuple(KNOWN.values()),
        stored=stored,
        hooks=hooks,
        strategies=strategies,
        studies=studies,
    )
    return create_app(
        desks=floor.desks,
        token=door.operator,
        clock=outside.clock,
        log=outside.log,
        meter=meter,
        tracer=outside.tracer,
        version=__version__,
        brokers=known,
        unlocking=floor.vault,
        prove=floor.prove,
        acts=door.trail,
        people=door.people,
        stored_profiles=stored,
        hooks=hooks,
        strategies=strategies,
        studies=studies,
        hosts={*LOOPBACK, host, *section.names},
        rates=rates,
        places=places,
        origins=section.origins,
        page=page,
        redactor=outside.redactor,
    )


def _crowd(section: ServerSection, meter: PrometheusMeter) -> Crowd:
    from floorbroker.api.crowd import Crowd

    return Crowd(
        most=section.connections,
        at_an_address=section.connections_address,
        proxies=tuple(ip_network(proxy) for proxy in section.proxies),
        meter=meter,
    )


def serving(app: FastAPI, proxies: Sequence[str], crowd: Crowd) -> uvicorn.Config:
    """How it is served; who asked, and by TLS, is taken from those proxies alone, whatever the environment says."""
    import uvicorn

    from floorbroker.api.addresses import PlainAddresses, as_they_come
    from floorbroker.api.connections import bounded

    http, ws = bounded(crowd)
    return uvicorn.Config(
        PlainAddresses(app), http=http, log_config=None, access_log=False, lifespan="off",
        ws=ws, ws_per_message_deflate=False, ws_max_size=64 * 1024,
        proxy_headers=bool(proxies), forwarded_allow_ips=as_they_come(proxies),
        server_header=False, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip


async def _run(config: uvicorn.Config, listener: socket.socket, ending: _Ending, farewell: Farewell) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        """Signals are ours."""

        @contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """Who follows a stream hears the end of it first."""
            await farewell.say()
            await super().shutdown(sockets)

    ending.server = Server(config)
    await ending.server.serve(sockets=[listener])


async def _announce_settled(settings: Settings, floor: Floor, url: str, token: Secret | None) -> None:
    """Tell the lines once the profiles can trade, so that the first order is not refused; after a while in any case."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            await asyncio.gather(*(desk.until_settled() for desk in floor.desks.values()))
    _announce(settings, floor, url, token)


def _announce(settings: Settings, floor: Floor, url: str, token: Secret | None) -> None:
    """The address, the token of the first run, and a line that places a first order."""
    line, file = curl_of(floor, url), str(floor.home.setup_token)
    if settings.json:
        show_json(
            {
                "url": url,
                "page": f"{url}/",
                "token": token.reveal() if token else None,
                "token_file": file,
                "curl": line,
            }
        )
        return
    show_text(f"Floorbroker serves on {url}")
    if token is not None:
        show_text(f"token (shown this once; it stays in {file}):\n  {token.reveal()}")
    else:
        show_text(f"token: in {file}")
    show_text(f"page:  {url}/")
    if line:
        show_text(f"a first order:\n  {line}")
    show_text("stop with Ctrl-C")


def curl_of(floor: Floor, url: str) -> str:
    """A line that buys one share on paper; empty where no paper profile runs.  The token comes from its file."""
    from floorbroker.domain.values import Environment

    profile = next((p.name for p in floor.profiles if p.environment is Environment.PAPER), None)
    if profile is None:
        return ""
    order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1", "time_in_force": "day"}
    return (
        f'curl -sS -X POST {url}/api/v1/paper/orders -H "Authorization: Bearer $(cat {shlex.quote(str(floor.home.setup_token))})"'
        f' -H "Idempotency-Key: first-order" -H "Content-Type: application/json"'
        f" -d '{json.dumps({**order, 'profile': profile}, separators=(',', ':'))}'"
    )


def _say_what_is_left(settings: Settings, floor: Floor) -> None:
    statuses = [status for desk in floor.desks.values() for status in desk.profiles()]
    open_orders, doubts = sum(s.open_orders for s in statuses), sum(s.orders_in_doubt for s in statuses)
    doubt = f", {doubts} of them in doubt" if doubts else ""
    say(settings, f"stopped; {open_orders} orders are still open at their venues{doubt}")
