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


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two environments."""
    home = tmp_path_factory.mktemp("two") / "home"
    home.mkdir()
    practice = '[profiles.p]\nbroker = "PAPER"\nenvironment = "paper"\n'
    sim = '[profiles.s]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n'
    (home / ".env_bot").write_text(
        "BROKER_CODE=ALPACA\nBROKER_API_KEY=PK1\nBROKER_SECRET_KEY=k1\nBROKER_URL=http://127.0.0.1:9\n", "utf-8"
    )
    (home / "floorbroker.toml").write_text(practice + sim + '[webhooks]\nallow = ["127.0.0.2/32"]\n', "utf-8")
    return home


def test_a_webhook_is_found_in_whichever_environment_has_it(two: Path) -> None:
    for name, profile in (("tv", "p"), ("both", "p"), ("both", "s")):
        assert run(two, "webhook", "add", name, "--profile", profile).exit_code == 0
    listed = document(run(two, "--json", "webhook", "list"))["items"]
    assert {(row["name"], row["environment"]) for row in listed} == {
        ("tv", "paper"),
        ("both", "paper"),
        ("both", "sim"),
    }
    assert [r["name"] for r in document(run(two, "--json", "--env", "sim", "webhook", "list"))["items"]] == ["both"]
    assert document(run(two, "--json", "webhook", "off", "tv"))["enabled"] is False
    assert document(run(two, "--json", "webhook", "log", "tv"))["items"] == []
    several = run(two, "webhook", "show", "both")
    assert several.exit_code == 2
    assert "--env; a webhook 'both' is in: sim, paper" in several.stderr
    assert document(run(two, "--json", "--env", "sim", "webhook", "show", "both"))["profile"] == "s"
    nowhere = run(two, "webhook", "remove", "other")
    assert nowhere.exit_code == 5
    assert "no webhook 'other' in sim, paper" in nowhere.stderr
    outward = run(two, "webhook", "add", "x", "--direction", "out", "--url", "http://127.0.0.2:9/x")
    assert outward.exit_code == 2
    assert "name an environment with --env; there are: sim, paper" in outward.stderr


def test_an_order_is_found_in_whichever_environment_has_it(two: Path) -> None:
    placed = document(run(two, "--json", "--env", "paper", "buy", "AAPL", "1", "--limit", "100", "--tif", "gtc"))
    assert document(run(two, "--json", "order", "show", placed["id"]))["profile"] == "p"
    assert document(run(two, "--json", "order", "resolve", placed["id"]))["standing"] == "settled"
    changed = document(run(two, "--json", "order", "modify", placed["id"], "--qty", "2"))
    cancelled = document(run(two, "--json", "order", "cancel", changed["id"]))
    assert cancelled["ord_status"] in {"pending_cancel", "canceled"}
    nowhere = run(two, "order", "show", "01a221f1-2ec7-7879-b9f2-fd56f8af6e8e")
    assert nowhere.exit_code == 5
    assert "no order '01a221f1-2ec7-7879-b9f2-fd56f8af6e8e' in sim, paper" in nowhere.stderr
    elsewhere = run(two, "--env", "sim", "order", "show", placed["id"])
    assert elsewhere.exit_code == 5


def test_the_status_is_of_every_environment_or_of_the_one_that_is_named(two: Path) -> None:
    def names(*flags: str) -> set[str]:
        return {row["name"] for row in document(run(two, "--json", *flags, "status"))["items"]}

    assert names() == {"p", "s"}
    assert names("--env", "paper") == {"p"}
    assert names("--profile", "s") == {"s"}
    assert run(two, "--profile", "x", "status").exit_code == 5


def test_people_are_told_of_every_environment_where_none_is_named(two: Path, tmp_path: Path) -> None:
    """Alerts belong to no environment: a desk that has several asks for none."""
    home, url = two, tmp_path / "url"
    url.write_text("json://127.0.0.2:9/x")
    made = document(run(home, "--json", "notify", "add", "phone", "--from-file", str(url)))
    assert set(made["environments"]) == {"sim", "paper"}
    assert [row["name"] for row in document(run(home, "--json", "notify", "list"))["items"]] == ["phone"]
    assert run(home, "notify", "remove", "phone").exit_code == 0
