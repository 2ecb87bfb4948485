"""The measured programs as child processes, spoken to line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from benchmarks.environments import ROOT, our_python, python_of
from benchmarks.fixed import tradier, tws

ENDING_S = 20
OWN_VARIABLES = ("BROKER_", "FLOORBROKER_", "PYTHON")


class ChildFailed(RuntimeError):
    """A measured program ended, or answered with something else than an answer."""


class Child:
    """One measured program."""

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start it and wait for its first line, which is kept as `greeting`."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(OWN_VARIABLES)}
        self._name = name
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=clean | dict(environ or {}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            self.greeting = self._answer()
        except ChildFailed:
            self.close()
            raise

    def ask(self, what: str, count: int) -> dict[str, Any]:
        """One round."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # a program that has ended is told of by what it does not answer
            self._process.stdin.write(f"{what} {count}\n")
            self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End it: by the end of its input, or by a signal when it does not listen."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def terminate(self) -> None:
        """End a server, which has no rounds."""
        self._process.terminate()
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            return cast("dict[str, Any]", json.loads(line))
        except ValueError:
            raise ChildFailed(f"{self._name} does not answer (it said {line[:200]!r})") from None


@contextmanager
def peer(driver: str, environment: str, credentials: Mapping[str, str] | None = None) -> Iterator[Child]:
    """A rival's driver in its environment.  Raises `Absent` when that cannot be made."""
    command = [str(python_of(environment)), str(ROOT / "benchmarks" / "peers" / f"{driver}.py")]
    child = Child(driver, command, credentials)
    try:
        yield child
    finally:
        child.close()


@contextmanager
def ours(module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Child]:
    """One of our own drivers, in the environment a desk is installed in."""
    child = Child(module, [str(our_python()), "-m", module, *arguments], environ)
    try:
        yield child
    finally:
        child.close()


@contextmanager
def fixed_server(word: str = "alpaca") -> Iterator[dict[str, str]]:
    """The fixed-reply server in a process of its own; the credentials for it, which it does not look at."""
    server = Child("the server", [str(our_python()), "-m", "benchmarks.server", word])
    try:
        yield credentials_for(word, server.greeting["url"])
    finally:
        server.terminate()


def credentials_for(word: str, url: str) -> dict[str, str]:
    """What a desk and its rivals are told of a fixed-reply server; `ORDERS_END` is called between rounds."""
    keys = {
        "alpaca": {"BROKER_CODE": "ALPACA", "BROKER_API_KEY": "k" * 20, "BROKER_SECRET_KEY": "s" * 40, "BROKER_URL": url},
        "tradier": {
            "BROKER_CODE": "TRADIER", "BROKER_API_KEY": "k" * 28, "BROKER_ACCOUNT_NUMBER": tradier.ACCOUNT, "BROKER_URL": url,
        },
        "ibkr": {
            "BROKER_CODE": "IBKR", "BROKER_ACCOUNT_NUMBER": tws.ACCOUNT, "BROKER_URL": url.replace("http:", "tws:"),
        },
    }  # fmt: skip
    return {**keys[word], "ORDERS_END": f"{url}/bench/end"}


@contextmanager
def simulator() -> Iterator[dict[str, str]]:
    """The simulated Alpaca in a process of its own, without rate limits; the credentials for it.

    Orders there are immediate-or-cancel and find nobody, so that each ends by itself.
    """
    command = [sys.executable, "-m", "floorbroker_sim", "alpaca", "--port", "0", "--rate", "0"]
    server = Child("the simulator", command)
    try:
        yield {**server.greeting["credentials"], "ORDER_TIF": "ioc"}
    finally:
        server.terminate()


def desk(home: Path, credentials: Mapping[str, str], *, loop: str, stages: bool = False) -> Any:
    """Our desk, against a server."""
    flags = ["--stages"] if stages else []
    return ours("benchmarks.desk", "--home", str(home), "--loop", loop, *flags, environ=credentials)
