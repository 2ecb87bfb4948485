"""`webhook` and `notify`, as people type them, with no server running."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.running import document, run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hooks") / "home"
    home.mkdir()
    (home / "floorbroker.toml").write_text('[webhooks]\nallow = ["127.0.0.2/32"]\n', "utf-8")
    return home


def test_a_hook_is_made_tried_switched_off_and_removed(home: Path, tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"symbol": "$ticker", "side": "$side", "type": "market", "quantity": "1"}))
    made = document(
        run(
            home,
            "webhook",
            "add",
            "tv",
            "--profile",
            "paper",
            "--template",
            str(template),
            "--symbol",
            "AAPL",
            "--json",
        )
    )
    assert made["secret"].startswith("fbhook_")
    assert made["path"] == f"/api/v1/hooks/{made['id']}"
    tried = document(run(home, "webhook", "test", "tv", "--body", "ticker=AAPL side=buy", "--json"))
    assert (tried["ok"], tried["order"]["symbol"]) == (True, "AAPL")
    refused = run(home, "webhook", "test", "tv", "--body", "ticker=MSFT side=buy")
    assert refused.exit_code == 6
    assert "AAPL" in refused.stderr
    assert document(run(home, "webhook", "off", "tv", "--json"))["enabled"] is False
    listed = run(home, "webhook", "list")
    assert "tv" in listed.stdout
    assert made["secret"] not in listed.stdout
    assert document(run(home, "webhook", "log", "tv", "--json"))["items"] == []
    assert run(home, "webhook", "remove", "tv").exit_code == 0
    assert run(home, "webhook", "show", "tv").exit_code == 5


def test_a_url_with_a_token_comes_from_a_file_and_is_not_shown(home: Path, tmp_path: Path) -> None:
    url = tmp_path / "url"
    url.write_text("https://ledger.example/desk?key=canary-of-the-test\n")
    made = run(home, "webhook", "add", "ledger", "--direction", "out", "--from-file", str(url), "--event", "fill")
    assert made.exit_code == 0, made.stderr
    assert "https://ledger.example" in made.stdout
    assert "canary" not in made.stdout + made.stderr


def test_what_is_missing_or_strange_is_a_wrong_use(home: Path) -> None:
    assert run(home, "webhook", "add", "x").exit_code == 2  # no profile
    assert run(home, "webhook", "add", "x", "--direction", "up").exit_code == 2
    assert run(home, "webhook", "add", "x", "--direction", "out").exit_code == 2  # nobody to ask for the URL
    inside = run(home, "webhook", "add", "x", "--direction", "out", "--url", "https://127.0.0.1/x")
    assert inside.exit_code == 4
    assert "public internet" in inside.stderr


def test_people_are_told_by_a_url_that_is_never_shown(home: Path, tmp_path: Path) -> None:
    url = tmp_path / "url"
    url.write_text("json://127.0.0.2:9/canary-of-the-test")  # nobody listens there
    made = run(
        home,
        "notify",
        "add",
        "phone",
        "--quiet-hours",
        "22:00-07:00",
        "--event",
        "kill_tripped",
        "--from-file",
        str(url),
    )
    assert made.exit_code == 0, made.stderr
    assert run(home, "notify", "test", "phone").exit_code == 11
    listed = run(home, "notify", "list")
    assert "phone" in listed.stdout
    assert "canary" not in made.stdout + made.stderr + listed.stdout
    assert run(home, "notify", "add", "other", "--quiet-hours", "never", "--from-file", str(url)).exit_code == 2
    assert run(home, "notify", "remove", "phone").exit_code == 0


def test_people_are_told_of_every_environment_where_none_is_named(tmp_path: Path) -> None:
    """Alerts belong to no environment: a desk that has several asks for none."""
    home, url = tmp_path / "home", tmp_path / "url"
    home.mkdir()
    practice = '[profiles.p]\nbroker = "PAPER"\nenvironment = "paper"\n'
    sim = '[profiles.s]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n'
    (home / ".env_bot").write_text(
        "BROKER_CODE=ALPACA\nBROKER_API_KEY=PK1\nBROKER_SECRET_KEY=k1\nBROKER_URL=http://127.0.0.1:9\n", "utf-8"
    )
    url.write_text("json://127.0.0.2:9/x")
    (home / "floorbroker.toml").write_text(practice + sim + '[webhooks]\nallow = ["127.0.0.2/32"]\n', "utf-8")
    made = document(run(home, "--json", "notify", "add", "phone", "--from-file", str(url)))
    assert set(made["environments"]) == {"sim", "paper"}
    assert [row["name"] for row in document(run(home, "--json", "notify", "list"))["items"]] == ["phone"]
    assert run(home, "notify", "remove", "phone").exit_code == 0
