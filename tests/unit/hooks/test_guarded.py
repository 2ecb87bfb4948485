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
from floorbroker.hooks.guarded import check_host, only_public
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
        "gotify://169.254.169.254/token", "mailto://user:word@127.0.0.1", "rsyslog://127.0.0.1", "json://[::ffff:127.0.0.1]/a",
    ],
)  # fmt: skip
def test_an_address_of_this_machine_or_network_is_refused_when_it_is_added(url: str) -> None:
    with pytest.raises(Forbidden, match=r"not of the public internet; \[webhooks\] allow"):
        check_host(url, PublicOnly())


@pytest.mark.parametrize(
    "url", ["ntfy://ntfy.sh/topic", "tgram://184549370:word/1/", "slack://T1/B1/x/#c", "dbus://", "["]
)
def test_a_name_a_token_and_no_host_at_all_are_not_looked_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a name server was asked"))
    check_host(url, PublicOnly())


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
