"""The examinations behind `doctor`: each looks at one thing and says green, yellow or red, with the repair."""

from __future__ import annotations

import asyncio
import platform
import shutil
import socket
import sqlite3
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from floorbroker.app.acts import Acts
from floorbroker.app.config import Config, load
from floorbroker.app.credentials import read_bot
from floorbroker.app.floor import profiles_in
from floorbroker.app.hardening import Standing, standing
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.cli.failures import Trouble
from floorbroker.cli.reach import Reached, is_ours, on_desk, told_address
from floorbroker.cli.settings import Settings
from floorbroker.client import DeskError
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConfigInvalid, FloorbrokerError, NotFound
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment
from floorbroker.store.connect import open_reader, pragma
from floorbroker.store.reader import JournalReader
from floorbroker.vault import Vault

GREEN, YELLOW, RED = "ok", "warn", "red"
SQLITE_SAFE = (3, 51, 3)  # earlier ones can lose a WAL reset (sqlite.org/wal.html)
DISK_MIN, DISK_GOOD = 64 * 1024**2, 1024**3
MADE = datetime(2026, 1, 1, tzinfo=UTC)  # no right clock stands before this program was written
CLOCK_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found; everything that is not green names its repair."""

    check: str
    state: str
    detail: str
    repair: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every examination, the cheap ones first; profiles are asked only when nothing before is red."""
    home = settings.open_home()
    config, profiles, found = _config(settings, home)
    findings = [
        python_of(sys.version_info[:3]), sqlite_of(sqlite3.sqlite_version_info), clock_of(SystemClock().now(), home),
        disk_of(home, shutil.disk_usage(home.root).free), *permissions_of(home), process_of(standing()), found,
    ]  # fmt: skip
    findings += [journal_of(home.journal(e), e) for e in Environment if home.journal(e).exists()]
    findings += [vault_of(home), _kill(home)]
    if config is None:
        return findings
    findings.append(asyncio.run(_port(home, config)))
    if any(finding.state == RED for finding in findings):
        return findings
    return [*findings, *profiles_of(settings, profiles)]


def python_of(version: tuple[int, ...]) -> Finding:
    """3.11 or newer."""
    told = ".".join(map(str, version))
    if version >= (3, 11):
        return Finding("python", GREEN, f"{told} ({platform.python_implementation()})")
    return Finding("python", RED, told, "install Python 3.11 or newer")


def sqlite_of(version: tuple[int, ...]) -> Finding:
    """The version that Python brings along."""
    told = ".".join(map(str, version))
    if version >= SQLITE_SAFE:
        return Finding("sqlite", GREEN, told)
    wanted = ".".join(map(str, SQLITE_SAFE))
    return Finding(
        "sqlite", YELLOW, f"{told} is older than {wanted}, which repaired a rare fault of WAL resets",
        f"use a Python built with SQLite {wanted} or newer",
    )  # fmt: skip


def clock_of(now: datetime, home: Home) -> Finding:
    """Not before this program was written, and not behind what the journals already hold."""
    repair = "set the clock by NTP (timedatectl set-ntp true)"
    if now < MADE:
        return Finding("clock", RED, f"{now.isoformat()} is in the past", repair)
    newest = max((at for e in Environment if (at := _newest(home.journal(e)))), default=now)
    if newest > now + CLOCK_SLACK:
        return Finding("clock", RED, f"{newest - now} behind the newest record of a journal", repair)
    return Finding("clock", GREEN, now.isoformat(timespec="seconds"))


def _newest(path: Path) -> datetime | None:
    if not path.exists():
        return None
    with suppress(sqlite3.Error, FloorbrokerError):
        reader = JournalReader(path)
        try:
            last = reader.read(after=max(0, reader.last_seq - 1), limit=1)
        finally:
            reader.close()
        return last[0].at if last else None
    return None


def disk_of(home: Home, free: int) -> Finding:
    """Room for the journal, and the reserve for bookkeeping on a full disk."""
    told = f"{free / 1024**3:.1f} GiB free at {home.root}"
    repair = "free space on this disk, or move the home (--home)"
    if free < DISK_MIN:
        return Finding("disk", RED, told, repair)
    return Finding("disk", GREEN, told) if free >= DISK_GOOD else Finding("disk", YELLOW, told, repair)


def permissions_of(home: Home) -> list[Finding]:
    """Home and secrets are their owner's alone."""
    if sys.platform == "win32":
        return [Finding("permissions", GREEN, "left to Windows")]
    files = [(home.root, "700"), (home.setup_token, "600"), (home.env_bot, "600"), (home.config, "600")]
    findings: list[Finding] = []
    for path, wanted in files:
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            mode = f"{stat.S_IMODE(path.stat().st_mode):03o}"
            state = YELLOW if path == home.config else RED
            findings.append(
                Finding("permissions", state, f"others may enter {path} ({mode})", f"chmod {wanted} {path}")
            )
    return findings or [Finding("permissions", GREEN, f"{home.root} is its owner's alone")]


def process_of(found: Standing) -> Finding:
    """What this process keeps to itself; each command does the same at its start."""
    open_doors = [
        *(["core files are written"] if found.core_files else []),
        *(["other programs of this user may read its memory"] if found.readable_by_others else []),
    ]
    if open_doors:
        return Finding("process", YELLOW, "; ".join(open_doors), "let it run outside of a sandbox that forbids prctl")
    if found.readable_by_others is None:
        return Finding("process", GREEN, "what keeps other programs out is left to this system")
    return Finding("process", GREEN, "no core files, memory and environment closed to the user's other programs")


def journal_of(path: Path, environment: Environment) -> Finding:
    """Whole, ours, of the right environment, in WAL mode."""
    check, repair = f"journal {environment.value}", "restore the journal from its last backup; do not delete it"
    try:
        connection = open_reader(path)
        try:
            mode, damage = pragma(connection, "journal_mode"), pragma(connection, "quick_check(1)")
        finally:
            connection.close()
        reader = JournalReader(path)
        try:
            owner, records = reader.environment, reader.last_seq
        finally:
            reader.close()
    except (sqlite3.Error, FloorbrokerError, ValueError, OSError) as error:
        return Finding(check, RED, f"{path} cannot be read: {error}", repair)
    if damage != "ok":
        return Finding(check, RED, f"{path} is damaged: {damage}", repair)
    if mode != "wal":
        return Finding(check, RED, f"journal_mode is {mode}", f"sqlite3 {path} 'PRAGMA journal_mode=WAL'")
    if owner is not environment:
        return Finding(check, RED, f"{path} is the journal of {owner.value}", "give it back its own name")
    return Finding(check, GREEN, f"{records} records, WAL, whole")


def vault_of(home: Home) -> Finding:
    """The vault's file is one, its owner's alone, and no older than what the journals remember; its records stay sealed."""
    try:
        seen = Vault.look(home.vault)
        known = Acts(home, SystemClock()).known()
    except NotFound:
        return Finding("vault", GREEN, "none")
    except FloorbrokerError as error:
        return Finding(
            "vault", RED, error.detail, "put back the newest copy of the file; then: floorbroker vault verify"
        )
    told = f"generation {seen.generation}, {len(seen.records)} records"
    if known is not None and known.vault_id == seen.vault_id and seen.generation < known.generation:
        repair = "put the newest copy back; if the old one is meant: floorbroker vault unlock --accept-older"
        return Finding("vault", RED, f"{told}, and generation {known.generation} was seen here", repair)
    if sys.platform != "win32" and (mode := stat.S_IMODE(home.vault.stat().st_mode)) & 0o077:
        return Finding("vault", RED, f"others may read {home.vault} ({mode:03o})", f"chmod 600 {home.vault}")
    if known is None:
        return Finding(
            "vault", YELLOW, f"{told}; no journal remembers it yet", "unlock it once: floorbroker vault unlock"
        )
    return Finding("vault", GREEN, told)


def _kill(home: Home) -> Finding:
    sentinels = FilePermits(home).sentinels()
    if not sentinels:
        return Finding("kill file", GREEN, "none")
    top = max(sentinels, key=lambda sentinel: sentinel.level)
    return Finding(
        "kill file", YELLOW, f"level {top.level}: {top.reason}", "when it is safe: floorbroker kill off --reason TEXT"
    )


def _config(settings: Settings, home: Home) -> tuple[Config | None, list[Profile], Finding]:
    """The configuration with every profile that would be opened, the one that `BROKER_*` describes included."""
    try:
        config = load(home, path=settings.config)
        profiles = list(profiles_in(config, read_bot(home.env_bot)).values())
        for profile in profiles:
            config.limits(profile)
    except ConfigInvalid as error:
        return None, [], Finding("configuration", RED, error.detail, f"edit {settings.config or home.config}")
    names = ", ".join(profile.name for profile in profiles)
    return config, profiles, Finding("configuration", GREEN, f"profiles: {names}")


async def _port(home: Home, config: Config) -> Finding:
    host, port = config.server.host, config.server.port
    for url in filter(None, (told_address(home), f"http://{host}:{port}")):
        if await is_ours(url, home):
            return Finding("port", GREEN, f"the server of this home answers at {url}")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            repair = "stop the other program, or set server.port in floorbroker.toml"
            return Finding("port", RED, f"{host}:{port}: {error.strerror}", repair)
    return Finding("port", GREEN, f"{host}:{port} is free; no server runs")


# -- profiles -------------------------------------------------------------------------------------------------------------


def profiles_of(settings: Settings, profiles: list[Profile]) -> list[Finding]:
    """The self-check of each profile, by the running server or inside this command."""
    found: list[Finding] = []
    for environment in dict.fromkeys(profile.environment for profile in profiles):
        found += _environment(settings, environment)
    return found


def _environment(settings: Settings, environment: Environment) -> list[Finding]:
    from dataclasses import replace

    async def work(desk: Reached) -> list[Finding]:
        return [await _profile(desk, profile.name) for profile in await desk.client.profiles()]

    try:
        return on_desk(replace(settings, env=environment.value, profile=None), work)
    except (Trouble, FloorbrokerError) as error:
        return [Finding(f"desk {environment.value}", RED, error.detail, "see: floorbroker status -v")]


async def _profile(desk: Reached, name: str) -> Finding:
    check = f"profile {name}"
    try:
        result = await desk.client.self_check(name)
    except DeskError as error:
        return Finding(check, RED, error.problem.detail, f"floorbroker self-check --profile {name} -v")
    bad = [f"{line.name}: {line.detail}" for line in result.checks if not line.ok]
    if bad or not result.ok:
        return Finding(
            check, RED, "; ".join(bad) or "the self-check failed", f"floorbroker self-check --profile {name}"
        )
    return Finding(check, GREEN, ", ".join(line.name for line in result.checks))
