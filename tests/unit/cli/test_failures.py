"""What went wrong reaches people and programs with the right exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorbroker.cli.failures import Trouble, as_json, as_text, exit_code_of, trouble_of
from floorbroker.domain.errors import FieldError, InvalidRequest, error_codes, without_extra


@pytest.mark.parametrize(
    ("code", "outcome", "exit_code"),
    [
        ("invalid_request", "not_sent", 2),
        ("config_invalid", "not_sent", 3),
        ("forbidden", "not_sent", 4),
        ("symbol_not_found", "refused", 5),
        ("risk_limit_exceeded", "not_sent", 6),
        ("kill_switch_on", "not_sent", 6),
        ("insufficient_funds", "not_sent", 6),
        ("insufficient_funds", "refused", 7),
        ("order_rejected", "refused", 7),
        ("connection_failed", "not_sent", 8),
        ("not_ready", "not_sent", 8),
        ("connection_failed", "unknown", 9),
        ("timeout", "unknown", 9),
        ("journal_fault", "not_sent", 12),
        ("conflict", "not_sent", 13),
    ],
)
def test_an_exit_code_follows_from_code_and_outcome(code: str, outcome: str, exit_code: int) -> None:
    assert exit_code_of(code, outcome) == exit_code


@pytest.mark.parametrize("code", sorted(set(error_codes()) - {"unknown"}))
def test_no_code_of_ours_is_taken_for_a_bug(code: str) -> None:
    assert all(exit_code_of(code, outcome) != 1 for outcome in ("not_sent", "refused", "unknown"))


def test_text_tells_what_where_state_repair_and_place_in_the_docs() -> None:
    trouble = Trouble(
        "risk_limit_exceeded", "9,525.00 is above 5,000.00", where="profile live", members={"request_id": "0192"}
    )
    assert as_text(trouble).splitlines() == [
        "error[risk_limit_exceeded]: 9,525.00 is above 5,000.00",
        "  where: profile live      state: nothing was sent, safe to change and repeat",
        "  fix:   change the order; what holds: floorbroker risk show --limits",
        "  docs:  errors/risk_limit_exceeded      id: 0192",
    ]


def test_text_of_a_venue_cannot_steer_the_terminal() -> None:
    text = as_text(Trouble("order_rejected", "no\x1b[2J", "refused", members={"broker_text": "a\r\nb\u202e"}))
    assert text.isprintable() or set(text) - {"\n"} == set(text.replace("\n", ""))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text


def test_json_holds_every_wrong_member() -> None:
    error = InvalidRequest("wrong", fields=(FieldError(pointer="/quantity", code="missing", detail="is required"),))
    told = json.loads(as_json(trouble_of(error)))
    assert told["errors"] == [{"pointer": "/quantity", "code": "missing", "detail": "is required"}]
    assert (told["code"], told["exit_code"], told["outcome"]) == ("invalid_request", 2, "not_sent")


@pytest.mark.parametrize(
    ("control", "fix"),
    [
        ("max_order_notional", "floorbroker risk set max_order_notional VALUE"),
        ("collar_bps", "floorbroker risk set collar_bps VALUE"),
        ("self_match", "floorbroker order cancel ID"),
        ("duplicate", "--allow-duplicate"),
        ("short_sale", "floorbroker risk show --limits"),
    ],
)
def test_a_control_that_says_no_names_what_can_be_done_about_it(control: str, fix: str) -> None:
    assert fix in as_text(Trouble("risk_limit_exceeded", "no", members={"control": control}))


@pytest.mark.parametrize(
    ("code", "detail", "fix"),
    [
        ("config_invalid", without_extra("plots need", "research"), "make extra NAME=research"),
        ("conflict", "lock is open in another process; one process owns a journal", "stop the desk that runs"),
        ("conflict", "the profile has version 4", "read the present state"),
    ],
)
def test_the_remedy_fits_what_happened(code: str, detail: str, fix: str) -> None:
    assert fix in as_text(Trouble(code, detail))


def test_no_error_tells_people_to_install_from_an_index_where_nothing_of_ours_is() -> None:
    source = Path(__file__).resolve().parents[3] / "src"
    assert not [path for path in source.rglob("*.py") if "pip install" in path.read_text("utf-8")]
