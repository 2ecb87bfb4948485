"""Real processes that begin in milliseconds: a helper has everything imported and forks; what it forks runs the real command.

`python -m tests.process.nursery` is that helper.  It reads one JSON line for each child it is to make or to bury, and it never
runs a thread or an event loop, so a fork of it is as good as a fresh start.  Children die with it.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.25
_PR_SET_PDEATHSIG = 1


class TooLate(AssertionError):
    """Something that had to happen did not, in time."""


@dataclass(slots=True)
class Child:
    """One process.  `status` is its exit code once it ended, negative for the signal that ended it."""

    pid: int
    folder: Path
    name: str
    bury: Callable[[int], int]
    status: int | None = None
    _fd: int = field(init=False)

    def __post_init__(self) -> None:
        self._fd = os.pidfd_open(self.pid)

    @property
    def out(self) -> str:
        return (self.folder / f"{self.name}.out").read_text("utf-8")

    @property
    def err(self) -> str:
        return (self.folder / f"{self.name}.err").read_text("utf-8", "replace")

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether it ended, or ends within so many seconds."""
        if self.status is None and _is_readable(self._fd, within_s):
            self.status = self.bury(self.pid)
            os.close(self._fd)
        return self.status is not None

    def is_stopped(self) -> bool:
        """Whether a signal has stopped it."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False

    def until(self, happened: Callable[[], bool], *, within_s: float, what: str) -> bool:
        """Wait for something while the process lives; False when it ended first.  Raises `TooLate`."""
        waited_s, pause_s = 0.0, FIRST_LOOK_S
        while waited_s < within_s:
            if happened():
                return True
            if self.ended(pause_s):
                return happened()
            waited_s, pause_s = waited_s + pause_s, min(pause_s * 1.5, LAST_LOOK_S)
        raise TooLate(f"{self.name}: {what} did not come in {within_s:g} s")

    def tell(self, number: int) -> None:
        if not self.ended():
            os.kill(self.pid, number)

    def end(self) -> None:
        """Kill it, unless it ended."""
        self.tell(signal.SIGKILL)
        self.ended(10)


def _is_readable(fd: int, within_s: float) -> bool:
    """`select` takes no descriptor above 1,023, and a whole suite has more; one poll serves one thread."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(within_s * 1000))


class Nursery:
    """The helper and its children; safe to use from several threads.  `preload` is a library put before all others."""

    def __init__(self, *, preload: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.process.nursery"],
            cwd=ROOT,
            env={**os.environ, **({"LD_PRELOAD": str(preload)} if preload else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, words: Sequence[str], *, env: Mapping[str, str], folder: Path, name: str) -> Child:
        """`floorbroker WORDS` in a process of its own; its output goes to `NAME.out` and `NAME.err` in the folder."""
        for ending in ("out", "err"):
            (folder / f"{name}.{ending}").touch()
        pid = self._ask({"begin": list(words), "env": dict(env), "folder": str(folder), "name": name})
        return Child(pid, folder, name, self._bury)

    def _bury(self, pid: int) -> int:
        return self._ask({"bury": pid})

    def _ask(self, wish: Mapping[str, Any]) -> int:
        helper = self._helper
        assert helper.stdin is not None
        assert helper.stdout is not None
        with self._lock:
            helper.stdin.write(json.dumps(wish) + "\n")
            helper.stdin.flush()
            return int(helper.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._helper:  # closes the pipes and waits: at the end of its input the helper ends
            pass


def begin_cold(words: Sequence[str], *, env: Mapping[str, str], folder: Path, name: str) -> Child:
    """The same command from a cold start, as a user's shell makes it."""
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "floorbroker", *words], env=_environment(env), stdout=out, stderr=err
        )
    return Child(process.pid, folder, name, lambda _: process.wait())


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(env.get("FLOORBROKER_HOME", "/")), **env}


# --- The helper itself ---------------------------------------------------------------------------------------------------


def _child(wish: Mapping[str, Any]) -> None:
    """Become the command; never returns."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    folder, name = Path(wish["folder"]), wish["name"]
    os.environ.clear()
    os.environ.update(_environment(wish["env"]))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, ending in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{name}.{ending}", flags, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["floorbroker", *wish["begin"]]
    from floorbroker.cli.main import main

    code = 1
    try:
        main()
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    _import_everything()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        wish = json.loads(line)
        if "bury" in wish:
            answer = os.waitstatus_to_exitcode(os.waitpid(wish["bury"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _child(wish)
        answers.write(f"{answer}\n")
        answers.flush()


def _import_everything() -> None:
    """Every module of the house, so that a child has what `up` and `sim` load when they need it."""
    import uvicorn  # noqa: F401

    import floorbroker
    import floorbroker_sim

    for package in (floorbroker, floorbroker_sim):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith((".__main__", ".env", ".vendor")):
                importlib.import_module(module.name)


if __name__ == "__main__":
    _serve()
