"""Which desk a command finds, and what is told when it gets lost on the way."""

from __future__ import annotations

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pytest

from floorbroker.app.home import Home, first_token
from floorbroker.cli.reach import addresses, is_ours, told_address
from floorbroker.cli.settings import Settings
from tests.unit.cli.running import run


class Desk(BaseHTTPRequestHandler):
    """Answers like a desk with one profile, until an order comes: then it hangs up without a word."""

    token: ClassVar[str] = ""
    environment: ClassVar[str] = "paper"
    asked: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, object]] = {
        "/healthz": {"status": "ok", "version": "1"},
        "/api/v1/brokers": {"items": [], "next_cursor": None},
    }
    profile: ClassVar[dict[str, object]] = {
        "name": "paper", "broker": "PAPER", "environment": "paper", "enabled": True, "state": "ready", "reason": "",
        "kill_level": 0, "open_orders": 0, "orders_in_doubt": 0,
    }  # fmt: skip

    def do_GET(self) -> None:
        Desk.asked.append(f"GET {self.path} {self.headers.get('Authorization', '')}")
        if self.path.startswith("/api") and self.headers.get("Authorization") != f"Bearer {Desk.token}":
            self._reply(401, {"detail": "no", "code": "forbidden", "status": 401})
        elif self.path == f"/api/v1/{Desk.environment}/profiles":
            self._reply(200, {"items": [Desk.profile], "next_cursor": None})
        elif self.path in Desk.answers:
            self._reply(200, Desk.answers[self.path])
        else:
            self._reply(404, {"detail": "no", "code": "not_found", "status": 404})

    def do_POST(self) -> None:
        Desk.asked.append(f"POST {self.path} {self.headers['Idempotency-Key']}")
        self.close_connection = True

    def _reply(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Quiet."""


@contextmanager
def listening(home: Home, token: str, *, environment: str = "paper") -> Iterator[str]:
    """That desk on a free port, where the home says that its server is."""
    Desk.token, Desk.asked, Desk.environment = token, [], environment
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Desk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        (home.root / "lock").write_text(f"1\n{url}\n")
        try:
            yield url
        finally:
            server.shutdown()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    first_token(found)
    return found


def test_a_submit_without_an_answer_is_exit_code_9_and_names_the_key(home: Home) -> None:
    with listening(home, first_token(home)[0].reveal()):
        result = run(home.root, "buy", "AAPL", "1", "--idempotency-key", "my-key", "--json")
    error = json.loads(result.stderr)
    assert (result.exit_code, error["outcome"], error["idempotency_key"]) == (9, "unknown", "my-key")
    assert [line for line in Desk.asked if line.startswith("POST")] == ["POST /api/v1/paper/orders my-key"]


def test_a_person_is_told_how_to_look_it_up(home: Home) -> None:
    with listening(home, first_token(home)[0].reveal()):
        told = run(home.root, "buy", "AAPL", "1", "--idempotency-key", "my-key").stderr
    assert "do not repeat" in told
    assert "--idempotency-key my-key" in told


def test_a_live_order_wants_its_symbol_once_more(home: Home) -> None:
    with listening(home, first_token(home)[0].reveal(), environment="live"):
        for words in ([], ["--confirm", "MSFT"], ["--yes"]):
            refused = run(home.root, "buy", "AAPL", "1", *words)
            assert refused.exit_code == 2
            assert "LIVE" in refused.stderr
        assert not [line for line in Desk.asked if line.startswith("POST")]
        run(home.root, "buy", "AAPL", "1", "--confirm", "AAPL", "--idempotency-key", "k")
    assert [line for line in Desk.asked if line.startswith("POST")] == ["POST /api/v1/live/orders k"]


def test_the_token_is_shown_to_a_desk_alone(home: Home) -> None:
    token = first_token(home)[0].reveal()
    with listening(home, token) as url:
        assert asyncio.run(is_ours(url, home))
        Desk.answers = {**Desk.answers, "/healthz": {"hello": "world"}}
        Desk.asked.clear()
        try:
            assert not asyncio.run(is_ours(url, home))
        finally:
            Desk.answers = {**Desk.answers, "/healthz": {"status": "ok", "version": "1"}}
        assert not [line for line in Desk.asked if token in line]


def test_a_desk_of_another_home_is_passed_by(home: Home) -> None:
    with listening(home, "another token"):
        result = run(home.root, "status")
    assert (result.exit_code, "no server runs" in result.stderr) == (0, True)


def test_the_address_in_the_lock_comes_before_the_configured_one(home: Home) -> None:
    assert addresses(home, Settings()) == ["http://127.0.0.1:8750"]
    (home.root / "lock").write_text("1\nhttp://127.0.0.1:9999\n")
    assert addresses(home, Settings()) == ["http://127.0.0.1:9999", "http://127.0.0.1:8750"]


@pytest.mark.parametrize("content", [b"", b"1\n", b"1\nftp://x\n", b"\xff\xfe"])
def test_a_lock_that_says_nothing_useful_is_ignored(home: Home, content: bytes) -> None:
    (home.root / "lock").write_bytes(content)
    assert told_address(home) == ""


def test_a_profile_that_is_not_there_is_not_found_without_a_server_either(tmp_path: Path) -> None:
    result = run(tmp_path, "buy", "AAPL", "1", "--profile", "nobody")
    assert result.exit_code == 5
    assert "no enabled profile 'nobody'; there are: paper" in result.stderr
