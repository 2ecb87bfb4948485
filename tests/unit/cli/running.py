"""Running the command as people do: in this process through Typer's runner, or as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner, Result

from floorbroker.cli.main import app
from floorbroker.cli.settings import Settings


def run(home: Path, *words: str, stdin: str | None = None, handed: Settings | None = None) -> Result:
    """One command on a home, inside this process."""
    return CliRunner().invoke(app, ["--home", str(home), *words], input=stdin, obj=handed)


def document(result: Result) -> Any:
    """The JSON document that a command printed; its error when it failed."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@dataclass
class Server:
    """A running `floorbroker up`."""

    process: subprocess.Popen[str]
    told: dict[str, Any]
    home: Path
    _http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        token = (self.home / "setup-token").read_text().strip()
        self._http = httpx2.Client(
            base_url=self.told["url"], headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20
        )

    def ask(self, method: str, path: str, **given: Any) -> httpx2.Response:
        return self._http.request(method, f"/api/v1/paper{path}", **given)

    def items(self, path: str) -> list[dict[str, Any]]:
        return self.ask("GET", path).raise_for_status().json()["items"]

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code (negative when the signal itself ended it)."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def close(self) -> None:
        self._http.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def served(home: Path, *words: str) -> Iterator[Server]:
    """`floorbroker up` on a free port, ready to be asked."""
    process = start("--home", str(home), "--json", "--quiet", "up", "--port", "0", *words)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"the server did not start: {process.communicate(timeout=20)[1]}")
    server = Server(process, json.loads(line), home)
    try:
        yield server
    finally:
        server.close()


def start(*words: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "floorbroker", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def at_a_terminal(home: Path, words: list[str], answers: list[str]) -> tuple[str, int]:
    """What a person sees who answers each question, and the exit code."""
    import pty

    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "floorbroker", "--home", str(home), *words]
    process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
    os.close(inner)
    told, left = b"", list(answers)
    while True:
        try:
            piece = os.read(outer, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        told += piece
        if left and told.endswith(b": "):  # the space comes once what is typed is not shown
            os.write(outer, f"{left.pop(0)}\n".encode())
    os.close(outer)
    return told.decode(), process.wait(60)
