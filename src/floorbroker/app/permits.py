"""Permits and the kill sentinel as files: removing one works on a full disk, and without the server (RELIABILITY 6)."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from stat import S_ISREG
from typing import cast

from floorbroker.app.home import Home, write_private
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.kill import LEVELS, Sentinel
from floorbroker.gateway.scopes import GLOBAL, NAME_MAX, NARROW, parted
from floorbroker.store.lock import ProcessLock

POLL_S = 0.5
TRIES, TRY_S = 50, 0.005
_PAUSE = threading.Event()  # that nobody ever sets
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class FilePermits:
    """One file a profile under `permits/`, and `kill`, one JSON line a kill."""

    home: Home
    _paths: dict[ProfileName, str] = field(default_factory=dict[ProfileName, str])

    def has(self, profile: ProfileName) -> bool:
        """Whether there is such a file; a folder, a pipe or a link in its place is none, as only what a kill removes may permit.

        Asks the file system each time, by one call; only the path is remembered.
        """
        path = self._paths.get(profile)
        if path is None:
            path = self._paths[profile] = str(self.home.permits / profile)
        try:
            return S_ISREG(os.lstat(path).st_mode)
        except OSError:
            return False  # gone, or not to be looked at: either way it permits nothing

    def grant(self, profile: ProfileName) -> None:
        write_private(self.home.permits / profile, "trading permitted\n")

    def withdraw(self, profile: ProfileName) -> None:
        """Raises `OSError` where it is there still."""
        try:
            (self.home.permits / profile).unlink(missing_ok=True)
        except OSError:
            if self.has(profile):
                raise

    def withdraw_all(self, of: Iterable[ProfileName] | None = None) -> None:
        """The permits `of` these profiles, or every one there is.  Raises the first `OSError`, after all others are gone."""
        failed: list[OSError] = []
        for profile in sorted(ProfileName(path.name) for path in self.home.permits.glob("*")) if of is None else of:
            try:
                self.withdraw(profile)
            except OSError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def sentinels(self) -> list[Sentinel]:
        """Kills written beside the server.  A file that cannot be read is a kill of everything: someone meant something."""
        try:
            lines = self.home.kill.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            return [Sentinel(level=2, scope=GLOBAL, reason=f"unreadable kill file: {type(error).__name__}", by="file")]
        return [_sentinel(line) for line in lines] or [_sentinel("")]

    async def changed(self, clock: Clock) -> None:
        """Look again soon: no file system tells of changes everywhere."""
        await clock.sleep(POLL_S)

    def write_sentinel(self, sentinel: Sentinel) -> None:
        """Add a kill beside a server that may be down or hang."""
        with self._alone():
            told = [] if not self.home.kill.exists() else self.home.kill.read_text("utf-8").splitlines()
            self._write_lines([*told, _line(sentinel)])

    def clear_sentinels(self, scope: ProfileName) -> None:
        """Forget the kills of one scope; of every scope when it is global.  The others are in the file at any moment."""
        with self._alone():
            kept = [_line(s) for s in self.sentinels() if scope not in (GLOBAL, s.scope)]
            if kept:
                self._write_lines(kept)
            else:
                self.home.kill.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Generator[None]:
        """While no other process changes the file.  A kill waits a moment for that and no longer, whoever hangs there."""
        lock = ProcessLock(self.home.kill.with_name("kill.lock"))
        for _ in range(TRIES):
            try:
                lock.acquire()
            except Conflict:
                _PAUSE.wait(TRY_S)
            except JournalFault:  # no lock can be made here, which is in no kill's way
                break
            else:
                break
        try:
            yield
        finally:
            lock.release()

    def _write_lines(self, lines: list[str]) -> None:
        write_private(self.home.kill, "\n".join(lines) + "\n")


def _line(sentinel: Sentinel) -> str:
    return json.dumps({"level": sentinel.level, "scope": sentinel.scope, "reason": sentinel.reason, "by": sentinel.by})


def _sentinel(line: str) -> Sentinel:
    """One line of the file; anything that is not ours, an empty file made by hand included, kills everything."""
    try:
        found: object = json.loads(line or "{}")
    except (ValueError, RecursionError):
        found = {}
    data = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    level, scope = data.get("level"), data.get("scope")
    return Sentinel(
        level=level if type(level) is int and level in LEVELS else 2,  # `True` is no level
        scope=ProfileName(scope) if isinstance(scope, str) and _is_scope(scope) else GLOBAL,
        reason=str(data.get("reason") or "kill file"),
        by=str(data.get("by") or "file"),
    )


def _is_scope(text: str) -> bool:
    """Whether it names one profile, account, strategy or token; all else means everything."""
    kind, name = parted(text)
    return bool(_NAME.fullmatch(text)) or (kind in NARROW and bool(name.strip()) and len(name) <= NAME_MAX)
