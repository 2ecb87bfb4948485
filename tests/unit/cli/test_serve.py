"""`up`, `sim` and their signals, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from starlette.types import Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from floorbroker.api.crowd import Crowd
from floorbroker.cli.failures import Trouble
from floorbroker.cli.serve import bindable, fast_loop, serving, url_of
from tests.unit.cli.running import document, run, served, start

MARKET = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"}


def test_a_server_tells_its_token_once_and_ends_cleanly(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        token = server.told["token"]
        assert token == (tmp_path / "setup-token").read_text().strip()
        assert (tmp_path / "setup-token").stat().st_mode & 0o077 == 0
        assert server.told["url"] in server.told["curl"]
        assert token not in server.told["curl"]
        assert server.end(signal.SIGTERM) == 143
    with served(tmp_path) as server:
        assert server.told["token"] is None
        assert server.told["token_file"] == str(tmp_path / "setup-token")
        assert server.end(signal.SIGINT) == 130
        assert token not in (server.process.stderr.read() if server.process.stderr else "")


def test_a_stop_says_goodbye_to_who_follows_and_logs_no_trace(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        headers = {"Authorization": f"Bearer {server.told['token']}"}
        url = f"{server.told['url']}/api/v1/paper/events?after=0"
        with httpx2.stream("GET", url, headers=headers, trust_env=False, timeout=20) as events:
            lines = events.iter_lines()
            assert next(lines) == ": floorbroker events"
            assert server.end(signal.SIGINT) == 130
            assert "event: bye" in list(lines)
        told = server.process.stderr.read() if server.process.stderr else ""
        assert "Traceback" not in told


def test_verbs_speak_to_the_running_server(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text('[server]\nnames = ["desk.example"]\n', "utf-8")
    with served(tmp_path) as server:
        hosts = {name: {"Host": name} for name in ("desk.example", "desk.example:443", "other.example")}
        answers = {
            name: httpx2.get(f"{server.told['url']}/healthz", headers=h).status_code for name, h in hosts.items()
        }
        assert answers == {"desk.example": 200, "desk.example:443": 200, "other.example": 403}
        placed = server.ask("POST", "/orders", json=MARKET, headers={"Idempotency-Key": "one"}).json()
        (tmp_path / "word").write_text("vinegar lamp orbit moss", "utf-8")
        made = document(run(tmp_path, "user", "add", "ada", "--from-file", str(tmp_path / "word"), "--json"))
        assert made["role"] == "admin"
        assert server.ask("GET", "/orders").status_code == 401  # what was printed is spent; the command line goes on
        shown = document(run(tmp_path, "order", "show", placed["id"], "--json"))
        assert shown["ord_status"] == "filled"
        assert server.told["url"] in run(tmp_path, "status").stderr
        lines = run(tmp_path, "tail", "--after", "0", "--count", "2", "--json").stdout.splitlines()
        assert [json.loads(line)["key"] for line in lines] == [placed["id"]] * 2


@pytest.mark.parametrize(
    ("proxies", "believed"),
    [([], False), (["127.0.0.1/32"], True), (["172.17.0.0/16"], False), (["127.0.0.0/8"], True), (["::1/128"], False)],
)
@pytest.mark.parametrize("came", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_only_a_named_proxy_tells_who_asks_and_that_it_was_by_tls(
    proxies: list[str], believed: bool, came: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    told = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    assert seen_by_the_app(proxies, came, told) == (("203.0.113.7", "https") if believed else ("127.0.0.1", "http"))


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.7, ::ffff:192.0.2.1", "203.0.113.7"),
        ("::ffff:203.0.113.7, 192.0.2.1", "203.0.113.7"),
        ("203.0.113.7, ::ffff:192.0.3.1", "192.0.3.1"),
        ("2001:db8::7", "2001:db8::7"),
    ],
)
def test_a_chain_of_proxies_may_write_ipv4_inside_ipv6(chain: str, client: str) -> None:
    assert seen_by_the_app(["192.0.2.0/24"], "192.0.2.9", {"x-forwarded-for": chain})[0] == client


def seen_by_the_app(proxies: list[str], came: str, headers: dict[str, str]) -> tuple[str, str]:
    """The client's address and the scheme, as the app is told them."""
    seen: list[tuple[str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append((scope["client"][0], scope["scheme"]))

    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "client": (came, 40000), "scheme": "http", "headers": told}
    config = serving(cast("Any", app), proxies, Crowd())
    config.load()
    asyncio.run(cast("Any", config.loaded_app)(scope, None, None))
    return seen[0]


def test_a_second_server_on_the_same_home_is_a_conflict(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        second = run(tmp_path, "up", "--port", "0")
        assert second.exit_code == 13
        assert server.ask("GET", "/profiles").status_code == 200


def test_a_taken_port_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = run(tmp_path, "up", "--port", str(other.getsockname()[1]))
    assert result.exit_code == 13
    assert "--port" in result.stderr
    assert not (tmp_path / "journal-paper.db").exists()


def test_another_address_than_loopback_must_be_configured() -> None:
    assert bindable("192.0.2.7", 1, configured="192.0.2.7") == ("192.0.2.7", 1)
    with pytest.raises(Trouble) as refused:
        bindable("192.0.2.7", 1, configured="127.0.0.1")
    assert refused.value.exit_with() == 3


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:1"), ("", "http://127.0.0.1:1"), ("::1", "http://[::1]:1")]
)
def test_the_address_shown_is_one_that_works_here(host: str, url: str) -> None:
    assert url_of(host, 1) == url


def test_a_kill_reaches_the_running_server(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        found = document(run(tmp_path, "kill", "on", "--reason", "test", "--json"))
        assert [step["step"] for step in found["steps"]] == ["permits", "sentinel", "server paper"]
        refused = server.ask("POST", "/orders", json=MARKET, headers={"Idempotency-Key": "two"})
        assert (refused.status_code, refused.json()["code"]) == (423, "kill_switch_on")
        opened = run(tmp_path, "kill", "off", "--profile", "paper", "--reason", "fine")
        assert (opened.exit_code, "stopped by level 2 on everything" in opened.stderr) == (10, True)
        document(run(tmp_path, "kill", "off", "--reason", "fine", "--json"))
        assert server.ask("POST", "/orders", json=MARKET, headers={"Idempotency-Key": "three"}).status_code == 201


def test_a_kill_works_while_the_server_hangs(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.process.send_signal(signal.SIGSTOP)
        try:
            found = document(run(tmp_path, "kill", "on", "--json"))
        finally:
            server.process.send_signal(signal.SIGCONT)
        done = {step["step"]: step["done"] for step in found["steps"]}
        assert done == {
            "permits": True,
            "sentinel": True,
            "server": False,
            "journal paper": False,
            "cancel paper": False,
        }
        refused = server.ask("POST", "/orders", json=MARKET, headers={"Idempotency-Key": "one"})
        assert (refused.status_code, refused.json()["code"]) == (423, "kill_switch_on")


def test_a_simulator_says_where_it_is_and_ends_on_a_signal() -> None:
    process = start("sim", "alpaca")
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert line["venue"] == "alpaca"
        assert httpx2.get(f"{line['control']}/orders", trust_env=False).json() == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize("words", [["sim", "nowhere"], ["sim", "alpaca", "--data", "/nowhere"]])
def test_a_simulator_that_cannot_be_is_a_usage_error(tmp_path: Path, words: list[str]) -> None:
    result = run(tmp_path, *words)
    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_the_server_runs_on_the_faster_loop_where_it_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop)


def test_the_configured_bounds_of_connections_and_streams_hold_in_the_process_that_serves(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text("[server]\nconnections_address = 3\n", "utf-8")
    with served(tmp_path) as server:
        known = {"Authorization": f"Bearer {server.told['token']}"}
        url = server.told["url"].replace("http", "ws") + "/api/v1/paper/stream"
        with ExitStack() as lines:
            for _ in range(3):
                lines.enter_context(connect(url, proxy=None, additional_headers=known))
            with pytest.raises(InvalidStatus) as refused:
                lines.enter_context(connect(url, proxy=None, additional_headers=known))
        answer = refused.value.response
        assert (answer.status_code, json.loads(answer.body)["code"]) == (429, "rate_limit_exceeded")
        assert server.ask("GET", "/profiles").status_code == 200
