"""A home for one process alone, while its files are put in the place of others."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from floorbroker.app.home import Home
from floorbroker.domain.values import Environment
from floorbroker.store.lock import ProcessLock


@contextmanager
def nobody_else(home: Home) -> Generator[None]:
    """Hold every lock of the home, journals included.  Raises `Conflict` when a desk or a command has one."""
    journals = [home.journal(environment) for environment in Environment]
    with ExitStack() as held:
        for path in [home.root / "lock", *(path.with_name(f"{path.name}.lock") for path in journals)]:
            lock = ProcessLock(path)
            lock.acquire()
            held.callback(lock.release)
        yield
        (home.root / "lock").write_text("", "ascii")
