"""`broker login`: a code of the venue's page becomes the token of the day; where there is nothing to log in at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.unit.cli.running import document, start
from tests.unit.cli.test_brokers import added, home, piped, run

__all__ = ["home"]  # the fixture
BACK = "http://127.0.0.1:8750/"


@pytest.fixture
def venue() -> Iterator[dict[str, Any]]:
    process = start("sim", "upstox", "--port", "0")
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate(timeout=20)


def agreed(venue: dict[str, Any]) -> str:
    """The address that the venue's page leads a person back to."""
    client = venue["credentials"]["BROKER_API_KEY"]
    dialog = HTTPConnection(urlsplit(venue["rest"]).netloc, timeout=30)
    form = urlencode({"response_type": "code", "client_id": client, "redirect_uri": BACK})
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        dialog.request("POST", "/v2/login/authorization/dialog", body=form, headers=kind)
        return dialog.getresponse().headers["Location"]
    finally:
        dialog.close()


def test_a_code_becomes_the_token_of_the_day_and_is_good_once(home: Path, venue: dict[str, Any]) -> None:
    keys = venue["credentials"]
    given = f"BROKER_API_KEY={keys['BROKER_API_KEY']}\nBROKER_SECRET_KEY={keys['BROKER_SECRET_KEY']}\n"
    words = ("--broker", "UPSTOX", "--env", "sim", "--url", venue["rest"], "--from-fd", piped(given))
    written = run(home, "broker", "add", "india", *words)
    assert written.exit_code == 0, written.stderr
    address = agreed(venue)
    done = run(home, "broker", "login", "india", "--from-fd", piped(address))
    assert done.exit_code == 0, done.stderr
    assert "the access token of india is sealed" in done.stdout + done.stderr
    assert address not in done.stdout + done.stderr
    checks = {line["name"]: line["ok"] for line in document(run(home, "broker", "test", "india", "--json"))["checks"]}
    assert checks == dict.fromkeys(checks, True)
    assert "credentials" in checks
    again = run(home, "broker", "login", "india", "--from-fd", piped(address))
    assert again.exit_code != 0
    assert address not in again.stderr


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
