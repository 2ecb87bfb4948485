"""Where events may go, when a try is due again, when people are left in peace: the decisions, without a network."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from random import Random

import pytest

from floorbroker.domain.errors import Forbidden, InvalidRequest
from floorbroker.domain.values import Environment
from floorbroker.hooks.quiet import due, message_of, quiet_of
from floorbroker.hooks.reach import PublicOnly, is_public, origin_of
from floorbroker.hooks.records import Delivery, State
from floorbroker.hooks.retries import LEAST_S, TRIES, Attempt, revived, tried, tried_together
from floorbroker.transport.reach import Address

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


# -- reach ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # a cloud's metadata
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address that is looked at
        ("255.255.255.255", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("no address", False),
    ],
)
def test_an_address_is_public_in_whatever_form_it_comes(address: str, public: bool) -> None:
    assert is_public(address) is public


async def inside(host: str, port: int) -> list[Address]:
    """A name server that leads where it should not, beside where it should."""
    del host
    return [Address(socket.AF_INET, "93.184.216.34", port), Address(socket.AF_INET, "10.0.0.7", port)]


@pytest.mark.asyncio
async def test_a_name_that_leads_inside_is_not_followed_unless_its_network_is_allowed() -> None:
    with pytest.raises(Forbidden, match="not of the public internet"):
        await PublicOnly((), inside)("hooks.example", 443)
    allowed = PublicOnly((ip_network("10.0.0.0/29"),), inside)
    assert len(await allowed("hooks.example", 443)) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example/desk?x=1", ("https://hooks.example", "/desk?x=1")),
        ("https://hooks.example:8443", ("https://hooks.example:8443", "/")),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/a", ("https://[2606:2800:220:1:248:1893:25c8:1946]", "/a")),
    ],
)
def test_a_url_is_an_origin_and_a_target(url: str, expected: tuple[str, str]) -> None:
    assert origin_of(url, PublicOnly()) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hooks.example/", "by https"),
        ("ftp://hooks.example/", "https://HOST/PATH"),
        ("https:///path", "https://HOST/PATH"),
        ("https://user:pw@hooks.example/", "no user name"),
        ("https://hooks.example/#x", "no fragment"),
        ("https://hooks.example/a b", "no spaces"),
        ("https://hooks.example:99999/", "cannot be read"),
        ("https://h/" + "x" * 3000, "at most 2048"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_and_not_repeated(url: str, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        origin_of(url, PublicOnly())
    assert told in refused.value.detail
    assert "hooks.example" not in refused.value.detail


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST.", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_a_url_of_this_machine_or_network_is_refused(host: str) -> None:
    with pytest.raises(Forbidden):
        origin_of(f"https://{host}/x", PublicOnly())


def test_this_machine_may_be_allowed_and_needs_no_encryption_then() -> None:
    reach = PublicOnly((ip_network("127.0.0.0/8"),))
    assert origin_of("http://127.0.0.1:9000/x", reach) == ("http://127.0.0.1:9000", "/x")


# -- tries ----------------------------------------------------------------------------------------------------------------

WAITING = Delivery(
    id="d", target_id="t", event_id="e", event="fill", environment=Environment.PAPER, seq=1, body="{}", made_at=NOW, due_at=NOW
)  # fmt: skip


def test_a_try_that_is_taken_ends_a_delivery() -> None:
    done = tried(WAITING, Attempt(status=204), now=NOW, random=Random(1))
    assert (done.state, done.attempts, done.ended_at, done.status) == (State.DELIVERED, 1, NOW, 204)


@pytest.mark.parametrize(
    "attempt", [Attempt(status=500), Attempt(status=301), Attempt(status=400), Attempt(trouble="timeout")]
)
def test_everything_else_is_tried_again_later_and_later_and_given_up(attempt: Attempt) -> None:
    delivery, waits = WAITING, list[float]()
    for _ in range(TRIES - 1):
        delivery = tried(delivery, attempt, now=NOW, random=Random(2))
        assert delivery.state is State.WAITING
        waits.append((delivery.due_at - NOW).total_seconds())
    assert min(waits) >= LEAST_S
    assert max(waits) <= 3600
    assert waits[-1] > waits[0]
    dead = tried(delivery, attempt, now=NOW, random=Random(2))
    assert (dead.state, dead.attempts) == (State.DEAD, TRIES)
    again = revived(dead, now=NOW + timedelta(hours=1))
    assert (again.state, again.attempts, again.event_id) == (State.WAITING, 0, WAITING.event_id)


def test_a_receiver_that_wants_no_more_is_not_asked_again_and_one_that_asks_for_time_gets_it() -> None:
    assert tried(WAITING, Attempt(status=410), now=NOW, random=Random(1)).state is State.DEAD
    later = tried(WAITING, Attempt(status=429, after_s=120), now=NOW, random=Random(1))
    assert (later.due_at - NOW).total_seconds() >= 120
    forever = tried(WAITING, Attempt(status=429, after_s=1e9), now=NOW, random=Random(1))
    assert (forever.due_at - NOW).total_seconds() <= 3600
    assert tried(replace(WAITING), Attempt(trouble="x" * 999), now=NOW, random=Random(1)).trouble == "x" * 200


def test_a_message_of_several_deliveries_that_failed_is_one_message_when_it_is_sent_again() -> None:
    batch = [replace(WAITING, event_id=f"e{n}") for n in range(20)]
    again = tried_together(batch, Attempt(status=500), now=NOW, random=Random(3))
    assert len({delivery.due_at for delivery in again}) == 1
    assert again[0].due_at >= NOW + timedelta(seconds=LEAST_S)
    last_try = replace(WAITING, attempts=TRIES - 1)
    dead, alive = tried_together([last_try, WAITING], Attempt(status=500), now=NOW, random=Random(3))
    assert (dead.state, dead.due_at, alive.state) == (State.DEAD, WAITING.due_at, State.WAITING)


# -- people ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("22:00-07:00", datetime(2026, 3, 2, 23, 30, tzinfo=UTC), datetime(2026, 3, 3, 7, tzinfo=UTC)),
        ("22:00-07:00", datetime(2026, 3, 3, 6, 59, tzinfo=UTC), datetime(2026, 3, 3, 7, tzinfo=UTC)),
        ("22:00-07:00", datetime(2026, 3, 3, 7, tzinfo=UTC), None),
        ("09:00-17:00", datetime(2026, 3, 3, 12, tzinfo=UTC), datetime(2026, 3, 3, 17, tzinfo=UTC)),
        ("22:00-07:00 Asia/Kolkata", datetime(2026, 3, 2, 17, tzinfo=UTC), datetime(2026, 3, 3, 1, 30, tzinfo=UTC)),
        ("22:00-07:00 Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC)),  # DST
    ],
)  # fmt: skip
def test_quiet_hours_end_in_their_own_zone(text: str, now: datetime, until: datetime | None) -> None:
    quiet = quiet_of(text)
    assert quiet is not None
    assert quiet.until(now) == until


@pytest.mark.parametrize("text", ["22-7", "25:00-07:00", "22:00-07:00 Nowhere/City", "22:00-07:00 ../../etc/passwd"])
def test_quiet_hours_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="22:00-07:00"):
        quiet_of(text)


def test_what_is_urgent_passes_quiet_hours_and_what_is_not_gathers() -> None:
    quiet, morning = quiet_of("22:00-07:00"), datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert due("kill_tripped", now=NOW, quiet=quiet, group_s=60) == NOW
    assert due("order_rejected", now=NOW, quiet=quiet, group_s=60) == morning
    assert due("order_rejected", now=NOW, quiet=None, group_s=60) == NOW + timedelta(seconds=60)


def test_several_events_are_one_message() -> None:
    assert message_of(["kill tripped live"]) == ("Floorbroker: kill tripped live", "kill tripped live")
    title, text = message_of([f"event {n}" for n in range(25)])
    assert title == "Floorbroker: 25 events; the first: event 0"
    assert text.splitlines()[-1] == "and 5 more"
    assert len(text.splitlines()) == 21
