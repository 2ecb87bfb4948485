"""One connection without its socket: greeting, who we are, the link behind the program, silence, bad words."""

from __future__ import annotations

import pytest

from floorbroker.brokers.ibkr.codec import decode
from floorbroker.brokers.ibkr.codec.framing import hello, message
from floorbroker.brokers.ibkr.codec.requests import current_time, start_api
from floorbroker.brokers.ibkr.rest.program import account_of
from floorbroker.brokers.ibkr.stream.session import (
    ASK_EVERY_S,
    GREET_S,
    SILENT_S,
    ApiSession,
    Heard,
    LinkBack,
    LinkLost,
    Over,
    Ready,
    Say,
    Step,
)
from floorbroker.domain.errors import ApiError, AuthenticationFailed, ConfigInvalid, ConnectionFailed, VenueError

CLIENT = 17


def payload(*fields: object) -> bytes:
    return message([str(field) for field in fields])[4:]


def greeted() -> ApiSession:
    """A session that is ready, at second 0."""
    session = ApiSession(CLIENT)
    assert session.on_open(0.0) == hello()
    assert session.on_payload(payload(178, "20260302 10:00:00 EST"), 0.0) == [Say(start_api(CLIENT))]
    assert not session.is_ready
    session.on_payload(payload(15, 1, "DU1,DU2"), 0.0)
    steps = session.on_payload(payload(9, 1, 42), 0.0)
    assert [type(step) for step in steps] == [Heard, Ready]
    assert (session.accounts, session.next_id, session.version) == (("DU1", "DU2"), 42, 178)
    return session


def coded(session: ApiSession, code: int, at: int = -1) -> list[Step]:
    """What a code comes to, beside being heard."""
    return [
        step for step in session.on_payload(payload(4, 2, at, code, "words", ""), 1.0) if not isinstance(step, Heard)
    ]


def end_of(steps: list[Step]) -> VenueError:
    (step,) = steps
    assert isinstance(step, Over)
    return step.error


@pytest.mark.parametrize("version", [100, 156, 179, 203])
def test_a_version_that_is_not_spoken_here_ends_it(version: int) -> None:
    session = ApiSession(CLIENT)
    session.on_open(0.0)
    error = end_of(list(session.on_payload(payload(version, "now"), 0.0)))
    assert str(version) in error.detail


def test_a_client_id_that_is_taken_is_a_matter_of_who_we_are() -> None:
    session = ApiSession(CLIENT)
    session.on_open(0.0)
    session.on_payload(payload(178, "now"), 0.0)
    assert isinstance(end_of(coded(session, 326)), AuthenticationFailed)


@pytest.mark.parametrize("code", [502, 504, 507, 1300])
def test_a_code_that_ends_the_connection(code: int) -> None:
    assert isinstance(end_of(coded(greeted(), code)), ConnectionFailed)


def test_a_message_is_read_once_however_many_listen() -> None:
    """Whoever gets the payload gets the message that it is, at the version that it was read at alone."""
    (heard,) = greeted().on_payload(payload(3, 5, "Submitted", 0, 3, 0, 77, 0, 0, CLIENT, "", 0), 1.0)
    assert isinstance(heard, Heard)
    assert decode(heard.payload, version=178) is heard.message
    again = decode(heard.payload, version=157)
    assert (again, again is heard.message) == (heard.message, False)
    assert bytes(heard.payload) == payload(3, 5, "Submitted", 0, 3, 0, 77, 0, 0, CLIENT, "", 0)


@pytest.mark.parametrize(("back", "data_lost"), [(1101, True), (1102, False)])
def test_the_link_is_lost_and_found(back: int, data_lost: bool) -> None:
    session = greeted()
    (lost,) = coded(session, 1100)
    assert isinstance(lost, LinkLost)
    assert not session.link_up
    assert coded(session, 2104) == []
    assert coded(session, back) == [LinkBack(data_lost=data_lost)]
    assert session.link_up


def test_a_loss_that_nothing_takes_back_is_asked_about_anew_when_the_farms_are_back() -> None:
    session = greeted()
    coded(session, 2110)
    assert not session.link_up
    assert isinstance(end_of(coded(session, 2104)), ApiError)


@pytest.mark.parametrize("code", [2104, 2106, 2158, 399, 10167, 201, 31337])
def test_other_codes_are_for_whoever_waits(code: int) -> None:
    assert coded(greeted(), code) == []


def test_a_silent_program_is_asked_and_then_given_up() -> None:
    session = greeted()
    assert session.on_tick(ASK_EVERY_S) == []
    assert session.on_tick(ASK_EVERY_S + 1) == [Say(current_time())]
    assert session.on_tick(ASK_EVERY_S + 2) == []
    session.on_payload(payload(49, 1, 1_772_463_600), ASK_EVERY_S + 2)
    assert session.on_tick(ASK_EVERY_S + 3) == []
    assert isinstance(end_of(list(session.on_tick(ASK_EVERY_S + 3 + SILENT_S))), ApiError)


def test_a_program_that_does_not_greet_is_given_up() -> None:
    session = ApiSession(CLIENT)
    session.on_open(0.0)
    assert session.on_tick(GREET_S) == []
    assert isinstance(end_of(list(session.on_tick(GREET_S + 1))), ApiError)


@pytest.mark.parametrize("body", [b"", b"\0", b"x", b"3\0x\0", b"5\0", b"11\0-1\0", b"61\0x\0", b"\xff\xfe\0", b"9\0"])
def test_words_that_may_be_about_an_order_and_cannot_be_read_end_it(body: bytes) -> None:
    assert isinstance(end_of(list(greeted().on_payload(body, 1.0))), ApiError)


def test_a_price_that_cannot_be_read_is_left_out() -> None:
    assert greeted().on_payload(b"1\x006\x00x\x00", 1.0) == []


@pytest.mark.parametrize(
    ("named", "listed", "account"),
    [("", ("DU1",), "DU1"), ("DU2", ("DU1", "DU2"), "DU2"), ("DU2", (), None), ("", ("DU1", "DU2"), None),
     ("", (), None), ("DU3", ("DU1", "DU2"), None)],
)  # fmt: skip
def test_nobody_guesses_an_account(named: str, listed: tuple[str, ...], account: str | None) -> None:
    if account is None:
        with pytest.raises(ConfigInvalid):
            account_of(named, listed)
    else:
        assert account_of(named, listed) == account
