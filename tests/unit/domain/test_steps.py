"""The list of named steps: what a plan may name, and how a request's own steps are found."""

from __future__ import annotations

import re
from dataclasses import astuple

from floorbroker.domain.steps import EVENT, SENDING, STEPS, SUBMIT


def test_the_steps_of_submit_and_event_are_numbered_as_the_rules_name_them() -> None:
    assert list(SUBMIT) == [f"submit.S{number}" for number in range(13)]
    assert list(EVENT) == [f"event.E{number}" for number in range(1, 6)]


def test_every_step_says_in_a_line_what_is_so() -> None:
    assert [name for name, line in STEPS.items() if not re.fullmatch(r"[a-z]+\.[A-Za-z0-9_]+", name) or not line] == []
    assert len(set(STEPS.values())) > len(STEPS) / 2


def test_each_command_has_its_own_steps_on_the_way_out() -> None:
    assert astuple(SENDING["orders.submit"]) == tuple(f"submit.S{number}" for number in range(5, 10))
    assert SENDING["orders.replace"].written == "replace.written"
    assert SENDING["orders.cancel"] == SENDING["orders.cancel_all"]
    assert "orders.get" not in SENDING
