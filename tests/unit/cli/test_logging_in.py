"""`broker login`: what is needed for it, and where there is nothing to log in at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.test_brokers import added, home, piped, run

__all__ = ["home"]  # the fixture


def test_without_a_person_or_a_code_nothing_is_begun(home: Path) -> None:
    added(home)
    result = run(home, "broker", "login", "mine", "--json")
    assert result.exit_code == 2
    assert "needs a code" in result.stderr


@pytest.mark.parametrize("name", ["mine", "nobody"])
def test_nobody_logs_in_where_keys_hold_and_where_there_is_no_profile(home: Path, name: str) -> None:
    added(home)
    result = run(home, "broker", "login", name, "--from-fd", piped("code-canary\n"))
    assert result.exit_code != 0
    assert ("keys hold" if name == "mine" else "no profile") in result.stderr
    assert "canary" not in result.stderr
