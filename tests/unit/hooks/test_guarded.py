"""Alerts reach nothing in this machine or its network, by whatever way a URL leads there, and no URL of theirs is logged."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import Forbidden, InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.hooks import guarded
from floorbroker.hooks.carriers import Caller, check_alert_url
from floorbroker.hooks.guarded import check_service, only_public
from floorbroker.hooks.reach import PublicOnly
from floorbroker.hooks.records import Delivery, Kind, Target

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HERE = PublicOnly((ip_network("127.0.0.1/32"),))


@dataclass
class Inside:
    """A service of this machine, and where it sends on what it is asked."""

    port: int
    leads_to: str = ""
    asked: list[str] = field(default_factory=list[str])


@pytest.fixture
def inside() -> Iterator[Inside]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            here.asked.append(self.path)
            self.send_response(307 if here.leads_to else 200)
            if here.leads_to:
                self.send_header("Location", here.leads_to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name is the library's

        def log_message(self, *told: object) -> None:
            del told

    server = HTTPServer(("127.0.0.1", 0), Handler)
    here = Inside(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


async def carried(url: str, reach: PublicOnly) -> str:
    """What was wrong with telling somebody at this URL; empty where they were told."""
    target = Target(id="t", name="t", kind=Kind.ALERT, url=Secret(url), events=("fill",), environments=(Environment.PAPER,),
                    created_at=NOW)  # fmt: skip
    delivery = Delivery(id="d", target_id="t", event_id="e", event="fill", environment=Environment.PAPER, seq=1,
                        body='{"profile":"paper","data":{}}', made_at=NOW, due_at=NOW)  # fmt: skip
    return (await Caller(SystemClock(), reach=reach).carry(target, [delivery])).trouble


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/a", "json://localhost:8750/a", "jsons://user:word@10.0.0.7/a", "xml://[::1]/a", "ntfy://192.168.1.5/topic",
        "gotify://169.254.169.254/token-token", "rsyslog://127.0.0.1", "json://[::ffff:127.0.0.1]/a", "json://LOCALHOST/a",
        "\u00a0rsyslog://127.0.0.1", "to: rsyslog://127.0.0.1", "rsyslog://8.8.8.8@127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_of_this_machine_or_network_is_refused_when_it_is_added(url: str) -> None:
    with pytest.raises(Forbidden, match=r"not of the public internet; \[webhooks\] allow"):
        check_alert_url(Secret(url), PublicOnly())


@pytest.mark.parametrize(
    "url", ["ntfy://ntfy.sh/topic", f"tgram://184549370:{'A' * 35}/1/", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#c"]
)  # fmt: skip
def test_a_name_a_token_and_no_host_at_all_are_not_looked_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "_plain", lambda *_: pytest.fail("a name server was asked"))
    check_alert_url(Secret(url), PublicOnly())


def test_a_service_whose_way_nobody_can_watch_is_not_offered() -> None:
    @dataclass
    class Chat:
        protocol: object = "xmpp"
        host: str | None = "chat.example"

    with pytest.raises(Forbidden, match="xmpp is not offered"):
        check_service(Chat(), PublicOnly())


@pytest.mark.parametrize("between", [" ", ", ", ",", ";", "\n"])
def test_one_text_names_one_service(between: str) -> None:
    """The library takes apart a text of several URLs: the second was looked at by nobody, and the filter knew both as one."""
    with pytest.raises((InvalidRequest, Forbidden)):
        check_alert_url(Secret(f"json://8.8.8.8/a{between}rsyslog://127.0.0.1/"), PublicOnly())


@pytest.fixture
def syslog() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        yield server


@pytest.mark.asyncio
@pytest.mark.parametrize("before", ["json://192.0.0.9/a ", "to: ", "\u00a0"])
async def test_no_datagram_leaves_for_this_machine_beside_another_url(syslog: socket.socket, before: str) -> None:
    """Stored by an earlier version, and as the library would read it."""
    assert await carried(f"{before}rsyslog://127.0.0.1:{syslog.getsockname()[1]}/", PublicOnly())
    with pytest.raises(BlockingIOError):
        syslog.recv(1)


@pytest.mark.asyncio
async def test_a_datagram_goes_to_the_address_that_was_looked_at(
    syslog: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is not looked up once more: it could lead elsewhere by then."""
    here = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(guarded, "_plain", lambda *_: here)
    assert await carried(f"rsyslog://log.example:{syslog.getsockname()[1]}/", HERE) == ""
    assert b"Floorbroker" in syslog.recv(2048)
    assert "not of the public internet" in await carried(
        f"rsyslog://log.example:{syslog.getsockname()[1]}/", PublicOnly()
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "inside.example"])
async def test_an_alert_asks_no_service_of_this_machine_however_it_is_spelt(
    inside: Inside, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", inside.port))]
    monkeypatch.setattr(guarded, "_plain", lambda *_: here)  # what a name server and the C library make of it
    trouble = await carried(f"json://{host}:{inside.port}/a", PublicOnly())
    assert inside.asked == []
    assert "not of the public internet" in trouble


@pytest.mark.asyncio
async def test_an_allowed_service_is_told_and_leads_no_further(inside: Inside) -> None:
    url = f"json://127.0.0.1:{inside.port}/a"
    assert await carried(url, HERE) == ""
    inside.leads_to = f"http://127.0.0.2:{inside.port}/b"
    assert "127.0.0.2 leads to an address" in await carried(url, HERE)
    assert inside.asked == ["/a", "/a"]


def test_others_look_up_names_as_ever(inside: Inside) -> None:
    with only_public(PublicOnly()) as watch:
        thread = threading.Thread(target=lambda: socket.create_connection(("127.0.0.1", inside.port), 5).close())
        thread.start()
        thread.join()
    socket.create_connection(("127.0.0.1", inside.port), 5).close()
    assert watch.refused == []


def test_a_url_that_apprise_does_not_know_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for url in ("nothing://canary-in-a-url", "canary in a url", "json://", "tgram://canary", "slack://canary"):
        with pytest.raises(InvalidRequest) as refused:
            check_alert_url(Secret(url), PublicOnly())
        assert "canary" not in str(refused.value)
    assert "canary" not in caplog.text
