"""Answers to what a broker asks: a wrong one is named with what would be right, and never repeated."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorbroker.domain.forms import FIELDS, OPEN, SEALED, CredentialField, Form, OptionField, wrong_option
from floorbroker.domain.values import Environment

KEY = CredentialField(
    name="BROKER_API_KEY",
    label="Key ID",
    secret=True,
    pattern="[A-Z0-9]{4,8}",
    shape="4 to 8 capital letters and digits",
    prefixes={Environment.PAPER: "PK", Environment.LIVE: "AK"},
)
URL = CredentialField(name="BROKER_URL", label="Origin", environments=frozenset({Environment.SIM}))
NOTE = CredentialField(name="BROKER_ACCOUNT_NUMBER", label="Account", required=False)
SPEED = OptionField(name="speed", help="How fast.", default="1", whole=True, least=Decimal(1), most=Decimal(9))
SHARE = OptionField(name="share", help="How much.", default="0", most=Decimal(100))
FEED = OptionField(name="feed", help="Which.", default="iex", choices=("iex", "sip"))


def test_the_eight_fields_are_five_that_are_sealed_and_three_that_are_not() -> None:
    assert set(FIELDS) == {*SEALED, *OPEN}
    assert len(FIELDS) == len(SEALED) + len(OPEN) == 8


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("", "1 to 4096 characters"),
        ("A" * 4097, "1 to 4096 characters"),
        (" PK12", "spaces"),
        ("PK12\n", "spaces"),
        ("pk12", "4 to 8 capital letters"),
        ("PK1²", "4 to 8 capital letters"),
        ("AK12345", "a key of environment live"),
    ],
)
def test_a_wrong_answer_is_told_with_what_would_be_right_and_not_repeated(answer: str, told: str) -> None:
    wrong = KEY.wrong(answer, Environment.PAPER)
    assert told in wrong
    assert len(answer) < 4 or answer not in wrong


@pytest.mark.parametrize(
    ("answer", "environment"), [("PK12", "paper"), ("AK12", "live"), ("ZZ12", "paper"), ("AK12", "sim")]
)
def test_a_right_answer_is_taken(answer: str, environment: str) -> None:
    assert KEY.wrong(answer, Environment(environment)) == ""


def test_lines_are_taken_where_a_field_has_lines_and_nowhere_else() -> None:
    pem = CredentialField(name="BROKER_SECRET_KEY", label="Key", secret=True, lines=True)
    assert pem.wrong("-----BEGIN\r\nabc\n-----END\n", Environment.LIVE) == ""
    assert "control characters" in pem.wrong("-----BEGIN\n\x1b[2Jabc", Environment.LIVE)
    assert "line breaks" in NOTE.wrong("one\ntwo", Environment.LIVE)


def test_a_form_asks_for_what_its_environment_needs() -> None:
    sim, paper = (Form((KEY, URL, NOTE), e) for e in (Environment.SIM, Environment.PAPER))
    assert [asked.name for asked in sim.missing({"BROKER_API_KEY": "x"})] == ["BROKER_URL"]
    assert [asked.name for asked in paper.missing({})] == ["BROKER_API_KEY"]


def test_a_field_that_the_broker_does_not_use_is_named_beside_those_it_uses() -> None:
    wrong = Form((KEY, URL), Environment.PAPER).wrong({"BROKER_PASSWORD": "hunter2", "BROKER_API_KEY": "PK12"})
    assert list(wrong) == ["BROKER_PASSWORD"]
    assert wrong["BROKER_PASSWORD"].endswith("it uses BROKER_API_KEY")


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("speed", "0", "a whole number from 1 to 9"),
        ("speed", "1.0", "a whole number"),
        ("speed", "٣", "a whole number"),
        ("share", "101", "a number from 0 to 100"),
        ("share", "NaN", "a number from 0 to 100"),
        ("share", "-1", "a number from 0 to 100"),
        ("feed", "all", "one of iex, sip"),
        ("fed", "iex", "there are: feed, share, speed"),
    ],
)
def test_a_wrong_option_is_named_with_what_would_be_right(name: str, answer: str, told: str) -> None:
    wrong = wrong_option((SPEED, SHARE, FEED), {name: answer})
    assert name in wrong
    assert told in wrong


def test_right_options_are_taken() -> None:
    assert wrong_option((SPEED, SHARE, FEED), {"speed": "9", "share": "2.5", "feed": "sip"}) == ""
