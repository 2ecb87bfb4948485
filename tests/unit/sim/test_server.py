"""The simulator as a process: its one line, its doors, its certificates, and what a cut looks like on a real socket."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPSConnection, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from floorbroker.domain.clock import SystemClock
from floorbroker_sim.alpaca.venue import create_venue
from floorbroker_sim.faults import read_faults
from floorbroker_sim.server import ServedVenue, load_venue, serve

KEYS = {
    "venue", "rest", "ws", "data_ws", "host", "port", "control", "ca", "credentials",
}  # fmt: skip


@asynccontextmanager
async def served(venue: ServedVenue, *, tls: bool = False) -> AsyncIterator[dict[str, Any]]:
    stop = asyncio.Event()
    line: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(venue, tls=tls, ready=line.set_result, stop=stop))
    try:
        yield await line
    finally:
        stop.set()
        await task


def ask(door: HTTPConnection, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    try:
        door.request(method, path, None if body is None else json.dumps(body), headers or {})
        text = door.getresponse().read()
    finally:
        door.close()
    return json.loads(text) if text else None


@pytest.mark.asyncio
async def test_the_line_says_where_everything_is() -> None:
    async with served(create_venue(clock=SystemClock())) as line:
        assert set(line) == KEYS
        assert (line["venue"], line["host"], line["ca"]) == ("alpaca", "127.0.0.1", None)
        clock = await asyncio.to_thread(ask, HTTPConnection("127.0.0.1", line["port"], timeout=5), "GET", "/v2/clock")
        assert clock == {"message": "unauthorized."}
        control = HTTPConnection(line["control"].removeprefix("http://"), timeout=5)
        assert len(await asyncio.to_thread(ask, control, "GET", "/requests")) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("name", "ws", "data_ws"), [("kraken", "ws://", "ws://"), ("oanda", "http://", None), ("yahoo", None, None)]
)
async def test_the_line_has_an_address_for_each_kind_of_stream_there_is(
    name: str, ws: str | None, data_ws: str | None
) -> None:
    async with served(load_venue(name)(clock=SystemClock())) as line:
        place = f"127.0.0.1:{line['port']}"
        assert line["ws"] == (None if ws is None else f"{ws}{place}")
        assert line["data_ws"] == (None if data_ws is None else f"{data_ws}{place}")


@pytest.mark.asyncio
async def test_tls_is_trusted_through_the_printed_authority_alone() -> None:
    async with served(create_venue(clock=SystemClock()), tls=True) as line:
        assert line["rest"].startswith("https://")
        trusting = ssl.create_default_context(cafile=line["ca"])
        door = HTTPSConnection("localhost", line["port"], timeout=5, context=trusting)
        assert await asyncio.to_thread(ask, door, "GET", "/v2/clock") == {"message": "unauthorized."}
        strict = HTTPSConnection("localhost", line["port"], timeout=5, context=ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(ask, strict, "GET", "/v2/clock")
    assert not Path(line["ca"]).exists()


@pytest.mark.asyncio
async def test_a_cut_request_closes_the_connection_without_an_answer() -> None:
    venue = create_venue(clock=SystemClock())
    async with served(venue) as line:
        control = HTTPConnection(line["control"].removeprefix("http://"), timeout=5)
        plan = {"faults": [{"where": "request", "what": "cut", "when": {"nth": 1}}]}
        await asyncio.to_thread(ask, control, "POST", "/faults", plan)
        door = HTTPConnection("127.0.0.1", line["port"], timeout=5)
        with pytest.raises((RemoteDisconnected, ConnectionResetError)):
            await asyncio.to_thread(ask, door, "GET", "/v2/clock")
        assert await asyncio.to_thread(ask, door, "GET", "/v2/clock") == {"message": "unauthorized."}


@pytest.mark.asyncio
async def test_a_cut_stream_ends_without_a_close_frame_and_the_next_one_lives() -> None:
    venue = create_venue(clock=SystemClock())
    hello = json.dumps({"action": "auth", "key": venue.keys.key, "secret": venue.keys.secret})
    async with served(venue) as line:
        venue.plan.replace(read_faults(b'{"faults":[{"where":"stream","what":"cut","when":{"nth":1}}]}'))
        async with connect(line["ws"] + "/stream") as stream:
            await stream.send(hello)
            with pytest.raises(ConnectionClosedError) as caught:
                await stream.recv()
            assert caught.value.rcvd is None
        async with connect(line["ws"] + "/stream") as stream:
            await stream.send(hello)
            assert b"authorized" in await stream.recv(decode=False)


@pytest.mark.asyncio
async def test_a_refused_handshake_is_an_http_answer(capsys: pytest.CaptureFixture[str]) -> None:
    venue = create_venue(clock=SystemClock())
    async with served(venue) as line:
        venue.plan.replace(read_faults(b'{"faults":[{"where":"stream","what":"throttle"}]}'))
        with pytest.raises(InvalidStatus) as caught:
            async with connect(line["ws"] + "/stream"):
                pass
        assert caught.value.response.status_code == 429
    assert capsys.readouterr().err == ""


@pytest.mark.asyncio
async def test_a_socket_that_speaks_no_http_harms_nobody() -> None:
    async with served(create_venue(clock=SystemClock())) as line:
        with socket.create_connection(("127.0.0.1", line["port"]), timeout=5) as raw:
            raw.sendall(b"\x00\xff\r\n\r\n")
            assert b"400" in await asyncio.to_thread(raw.recv, 100)
        door = HTTPConnection("127.0.0.1", line["port"], timeout=5)
        assert await asyncio.to_thread(ask, door, "GET", "/v2/clock") == {"message": "unauthorized."}


def test_an_unknown_venue_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load_venue("nowhere")


def test_the_program_prints_one_line_and_ends_in_peace() -> None:
    command = [sys.executable, "-m", "floorbroker_sim", "alpaca", "--seed", "7"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    rest, errors = process.communicate(timeout=10)
    assert (set(line), rest, errors, process.returncode) == (KEYS, "", "", 0)


def test_a_bad_fault_file_names_its_member(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('{"faults": [{"where": "request", "what": "mute"}]}')
    command = [sys.executable, "-m", "floorbroker_sim", "alpaca", "--faults", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "faults[0].what" in done.stderr
