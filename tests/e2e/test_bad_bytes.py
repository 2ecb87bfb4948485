"""Noise on the socket and nonsense on the command line: answered by name, and the desk lives."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest

from floorbroker.app.home import Home
from tests.support.real_floor import TOKEN, served_in_a_thread
from tests.unit.cli.running import document, run

# -- the socket -----------------------------------------------------------------------------------------------------------

STRANGER = b"GET /api/v1/brokers HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HEAD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
POST = b"POST /api/v1/paper/orders HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\n"
NOISE: dict[str, tuple[bytes, bytes]] = {
    "no HTTP at all": (b"\x00\xff\x16\x03\x01\r\n\r\n", b"400"),
    "a header with a zero byte": (b"GET /healthz HTTP/1.1\r\n" + HEAD + b"X: a\x00b\r\n\r\n", b"400"),
    "a length below zero": (POST + b"Content-Length: -1\r\n\r\n", b"400"),
    "a length that is a word": (POST + b"Content-Length: ten\r\n\r\n", b"400"),
    "a length too large": (POST + b"Content-Length: 999999999\r\n\r\n", b"413"),
    "no end of chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 10, b"413"),
    "a chunk that is a word": (POST + b"Transfer-Encoding: chunked\r\n\r\nten\r\n", b"400"),
    "headers too large": (b"GET /healthz HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
    "a token that is no text": (STRANGER + b"Authorization: Bearer \xff\r\n\r\n", b"401"),
    "a cookie that is none": (STRANGER + b"Cookie: =;;\xff;floorbroker_session=\xff\r\n\r\n", b"401"),
    "another host": (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"403"),
}  # fmt: skip


def answer_to(address: str, raw: bytes) -> bytes:
    """The first line a server answers to these bytes."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(raw)
        return line.recv(4096).split(b"\r\n")[0]


def test_noise_on_the_socket_is_answered_and_the_server_lives(tmp_path: Path) -> None:
    with served_in_a_thread(tmp_path) as address:
        for kind, (raw, status) in NOISE.items():
            assert status in answer_to(address, raw), kind
        with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as http:
            assert http.get("/healthz").status_code == 200
            assert http.get("/api/v1/paper/orders").json()["items"] == []


# -- the command line -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "exit_code", "named"),
    [
        (["buy", "AAPL", "NaN"], 2, "/quantity"),
        (["buy", "AAPL", "1e400"], 2, "/quantity"),
        (["buy", "AAPL", "1", "--limit=-5"], 2, "/limit_price"),
        (["buy", "AAPL", "1", "--stop", "0"], 2, "/stop_price"),
        (["buy", "AAPL\x1b[2J", "1"], 2, "/symbol"),
        (["hours", "--day", "9999-12-31"], 2, "day"),
        (["order", "show", "\x00"], 5, "\\x00"),
        (["kill", "on", "--level", "9", "--reason", "x"], 2, "--level"),
        (["--timeout", "nan", "status"], 2, "--timeout"),
        (["buy", "AAPL\udcff", "1"], 2, "not UTF-8"),
        (["sim", "alpaca", "--faults", "."], 2, "--faults"),
        (["sim", "alpaca", "--data", "/dev/null"], 2, "--data"),
        (["demo", "--data", "/dev/null"], 2, "--data"),
    ],
)
def test_the_command_line_names_what_is_wrong(tmp_path: Path, words: list[str], exit_code: int, named: str) -> None:
    result = run(tmp_path, *words)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr
    assert document(run(tmp_path, "order", "list", "--json"))["items"] == []


@pytest.mark.parametrize("id", ["", ".", ".."])
@pytest.mark.parametrize("verb", ["cancel", "show", "modify"])
def test_an_id_that_a_path_would_swallow_touches_no_order(tmp_path: Path, verb: str, id: str) -> None:
    """`DELETE /orders/.` is `DELETE /orders`, which cancels everything."""
    placed = document(run(tmp_path, "buy", "AAPL", "1", "--limit", "100", "--json"))
    result = run(tmp_path, "order", verb, id, *(["--limit", "99"] if verb == "modify" else []))
    assert result.exit_code == 2, result.output
    (found,) = document(run(tmp_path, "order", "list", "--json"))["items"]
    assert (found["ord_status"], found["version"]) == ("new", placed["version"])


def test_a_kill_is_never_a_matter_of_form(tmp_path: Path) -> None:
    for reason in ("", "\x1b[2J\udcff", "\u202eabc", "x" * 5000):
        assert run(tmp_path, "kill", "on", "--reason", reason).exit_code == 0
        assert run(tmp_path, "buy", "AAPL", "1").exit_code == 6
    told = run(tmp_path, "kill", "status").stdout
    assert told.isprintable() or "\x1b" not in told


def test_a_folder_without_prices_is_named(tmp_path: Path) -> None:
    for verb in (("demo", "--days", "1"), ("sim", "alpaca")):
        result = run(tmp_path, *verb, "--data", str(tmp_path))
        assert result.exit_code == 2
        assert f"--data {tmp_path}" in result.stderr


@pytest.mark.parametrize("written", [b"", b"\xff\xfe", b"a\nb"])
def test_an_empty_or_broken_token_lets_nobody_in(tmp_path: Path, written: bytes) -> None:
    Home(tmp_path).setup_token.write_bytes(written)
    result = run(tmp_path, "up", "--port", "0")
    assert result.exit_code == 3
    assert "setup-token" in result.stderr
