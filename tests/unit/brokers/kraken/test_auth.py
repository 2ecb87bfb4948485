"""Signatures as published, and numbers that only rise."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from floorbroker.brokers.kraken.auth import (
    Credentials,
    Nonces,
    deadline_at,
    nonce_file,
    sign,
    signature_of,
    socket_origin,
    with_deadline,
)
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import NoLog
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request
from tests.unit.brokers.kraken.fakes import NOW, Lines
from tests.unit.transport.fakes import MovedClock

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
PUBLISHED = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
CREDENTIALS = Credentials(key=Secret("made-up-key"), secret=Secret(SECRET))


def private(body: bytes = b"", name: str = "AddOrder") -> Request:
    return Request(
        method="POST", origin="https://api.kraken.com", path=f"/0/private/{name}", endpoint="private.x", body=body
    )


def test_the_published_example_is_signed_as_published() -> None:
    body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    made = signature_of("/0/private/AddOrder", nonce="1616492376594", body=body, secret=Secret(SECRET))
    assert made == PUBLISHED


def _vectors() -> list[dict[str, Any]]:
    folder = os.environ.get("FLOORBROKER_CONTRACTS")
    if not folder or not (Path(folder) / "kraken" / "vectors.json").is_file():
        return []
    told = json.loads((Path(folder) / "kraken" / "vectors.json").read_text())
    return [{"secret": told["secret"], **one} for one in told["vectors"] if one["kind"] == "kraken-api-sign"]


@pytest.mark.skipif(not _vectors(), reason="FLOORBROKER_CONTRACTS names no folder with Kraken's vectors")
@pytest.mark.parametrize("vector", _vectors(), ids=lambda one: one["name"])
def test_every_signature_on_record_is_ours_too(vector: dict[str, Any]) -> None:
    made = signature_of(
        vector["path"], nonce=vector["nonce"], body=vector["body"].encode(), secret=Secret(vector["secret"])
    )
    assert made == vector["expected"]


def test_a_form_gets_nonce_and_deadline_and_is_signed_as_it_is_sent() -> None:
    signed = sign(private(b"pair=XBTUSD"), CREDENTIALS, nonce=7, deadline="2026-03-02T15:04:15.000Z")
    assert parse_qsl(signed.body.decode()) == [
        ("nonce", "7"),
        ("deadline", "2026-03-02T15:04:15.000Z"),
        ("pair", "XBTUSD"),
    ]
    expected = signature_of(signed.path, nonce="7", body=signed.body, secret=CREDENTIALS.secret)
    assert (signed.headers["API-Key"], signed.headers["API-Sign"]) == ("made-up-key", expected)
    assert signed.secret_headers == {"API-Key", "API-Sign"}


def test_an_object_gets_them_as_members_and_an_empty_body_as_a_form() -> None:
    assert json.loads(sign(private(b'{"pair":"XBTUSD"}'), CREDENTIALS, nonce=7).body) == {
        "nonce": "7",
        "pair": "XBTUSD",
    }
    assert json.loads(sign(private(b"{}"), CREDENTIALS, nonce=7).body) == {"nonce": "7"}
    assert sign(private(), CREDENTIALS, nonce=7).body == b"nonce=7"


def test_a_second_factor_travels_in_the_body() -> None:
    credentials = Credentials(key=Secret("k"), secret=Secret(SECRET), otp=Secret('p&"w'))
    assert dict(parse_qsl(sign(private(b"a=b"), credentials, nonce=1).body.decode()))["otp"] == 'p&"w'
    assert json.loads(sign(private(b'{"a":"b"}'), credentials, nonce=1).body)["otp"] == 'p&"w'


def test_public_requests_are_not_touched() -> None:
    request = Request(method="GET", origin="https://api.kraken.com", path="/0/public/Time", endpoint="public.time")
    assert sign(request, CREDENTIALS, nonce=1) is request


def test_a_private_key_that_is_no_base64_is_refused_before_anything_leaves() -> None:
    with pytest.raises(ConfigInvalid):
        sign(private(), Credentials(key=Secret("k"), secret=Secret("not base64!")), nonce=1)


def test_a_command_of_the_socket_gets_a_deadline_alone() -> None:
    request = Request(
        method="POST", origin="https://x", path="/ws/add_order", endpoint="orders.submit", body=b'{"a":1}'
    )
    assert json.loads(with_deadline(request, "then").body) == {"deadline": "then", "a": 1}


def test_a_deadline_is_told_in_the_venues_time() -> None:
    assert deadline_at(NOW + timedelta(seconds=1.5)) == "2026-03-02T15:04:16.500Z"
    assert socket_origin("wss://ws-auth.kraken.com/v2") == "https://ws-auth.kraken.com"
    assert socket_origin("ws://127.0.0.1:1/v2") == "http://127.0.0.1:1"


# -- nonces -------------------------------------------------------------------------------------------------------------


def numbers(path: Path | None, clock: ManualClock | None = None) -> Nonces:
    return Nonces(path, clock=clock or ManualClock(NOW), log=NoLog())


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW_US = (NOW - EPOCH) // timedelta(microseconds=1)


def test_a_number_is_the_time_in_microseconds_and_rises_when_the_time_does_not(tmp_path: Path) -> None:
    nonces = numbers(tmp_path / "n")
    assert [nonces.next() for _ in range(3)] == [NOW_US, NOW_US + 1, NOW_US + 2]


def test_two_processes_and_a_restart_count_on_from_each_other(tmp_path: Path) -> None:
    one, two = numbers(tmp_path / "n"), numbers(tmp_path / "n")
    made = [one.next(), two.next(), two.next(), one.next(), numbers(tmp_path / "n").next()]
    assert made == sorted(set(made))


def test_a_clock_that_is_set_back_takes_no_number_back(tmp_path: Path) -> None:
    clock = MovedClock(NOW)
    before = numbers(tmp_path / "n", clock).next()
    clock.moved = -timedelta(days=2)
    after = numbers(tmp_path / "n", clock)
    assert [after.next(), after.next()] == [before + 1, before + 2]


def test_a_file_that_cannot_be_used_is_told_once_and_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    log = Lines()
    nonces = Nonces(tmp_path / "folder", clock=ManualClock(NOW), log=log)
    assert [nonces.next(), nonces.next()] == [NOW_US, NOW_US + 1]
    assert [event for event, _ in log.events] == ["nonce.not_kept"]


def test_a_damaged_file_is_told_and_written_anew(tmp_path: Path) -> None:
    path, log = tmp_path / "n", Lines()
    path.write_bytes(b"rubbish")
    nonces = Nonces(path, clock=ManualClock(NOW), log=log)
    assert nonces.next() == NOW_US
    assert int(path.read_bytes()) == NOW_US
    assert len(log.events) == 1


def test_the_file_never_grows_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "n"
    nonces = numbers(path)
    nonces.next()
    nonces.next()
    assert path.stat().st_size == 20
    assert path.stat().st_mode & 0o077 == 0


def test_without_a_file_the_numbers_rise_all_the_same() -> None:
    clock = MovedClock(NOW)
    nonces = numbers(None, clock)
    first = nonces.next()
    clock.moved = -timedelta(hours=1)
    assert nonces.next() == first + 1


@pytest.mark.parametrize("folder", [Path(), Path("unused"), Path("..")])
def test_a_folder_that_depends_on_where_a_process_was_started_keeps_no_numbers(folder: Path) -> None:
    with pytest.raises(ConfigInvalid, match="whole path"):
        nonce_file(folder)
