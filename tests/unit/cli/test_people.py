"""`user` and `token`, with the server down: the same routes inside the command, over the home's own files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyotp.totp import TOTP

from floorbroker.app.home import Home, first_token
from floorbroker.domain.clock import SystemClock
from tests.unit.cli.running import document, run

WORDS = "vinegar lamp orbit moss"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "word").write_text(f"{WORDS}\n", "utf-8")
    return tmp_path


def told(home: Path, *words: str) -> Any:
    return document(run(home, *words, "--json"))


def add(home: Path, name: str, *more: str) -> Any:
    return told(home, "user", "add", name, "--from-file", str(home / "word"), *more)


def test_the_first_user_is_admin_and_spends_the_token_that_was_printed(home: Path) -> None:
    printed, _ = first_token(Home(home))
    ada = add(home, "ada", "--role", "viewer")
    assert (ada["role"], ada["environments"]) == ("admin", ["sim", "paper", "live"])
    spent, _ = first_token(Home(home))
    assert spent.reveal() != printed.reveal()
    bob = add(home, "bob", "--role", "trader", "--in", "paper")
    assert (bob["role"], bob["environments"]) == ("trader", ["paper"])
    assert first_token(Home(home))[0].reveal() == spent.reveal()
    assert [user["name"] for user in told(home, "user", "list")["items"]] == ["ada", "bob"]
    assert told(home, "user", "edit", "bob", "--role", "risk", "--disable")["disabled"] is True
    told(home, "user", "remove", "bob", "--yes")
    assert [user["name"] for user in told(home, "user", "list")["items"]] == ["ada"]


def test_a_forgotten_password_and_a_lost_telephone_are_a_command_each(home: Path) -> None:
    add(home, "ada")
    before = told(home, "user", "list")["items"][0]["password_at"]
    assert told(home, "user", "password", "ada", "--from-file", str(home / "word"))["password_at"] >= before
    begun = told(home, "user", "2fa", "ada")
    (home / "code").write_text(TOTP(begun["secret"]).at(SystemClock().now()), "utf-8")
    codes = told(home, "user", "2fa", "ada", "--from-file", str(home / "code"))["recovery_codes"]
    assert len(codes) == 10
    assert told(home, "user", "list")["items"][0]["second_factor"] is True
    told(home, "user", "2fa", "ada", "--off")
    assert told(home, "user", "list")["items"][0]["second_factor"] is False


def test_a_token_is_shown_once_and_ended_by_name(home: Path) -> None:
    made = run(home, "token", "create", "bot-1", "--scopes", "read,trade", "--days", "30", "--address", "192.0.2.0/24")
    assert made.exit_code == 0, made.stderr
    assert re.fullmatch(r"fb_paper_[\w-]{43}\n", made.stdout)
    (token,) = told(home, "token", "list")["items"]
    assert (token["environment"], token["scopes"], token["state"]) == ("paper", ["read", "trade"], "active")
    assert made.stdout.strip() not in str(token)
    assert told(home, "token", "revoke", "bot-1")["state"] == "revoked"
    live = told(home, "token", "create", "bot-2", "--env", "live", "--per-minute", "9")
    assert live["secret"].startswith("fb_live_")


@pytest.mark.parametrize(
    ("words", "exit_code", "named"),
    [
        (["user", "add", "Ada!"], 2, "/name"),
        (["user", "add", "eve", "--role", "king"], 2, "/role"),
        (["user", "add", "eve", "--in", "mars"], 2, "/environments"),
        (["user", "edit", "ada"], 2, "--role"),
        (["user", "edit", "nobody", "--role", "risk"], 5, "no such user"),
        (["user", "add", "ada"], 13, "already"),
        (["user", "remove", "ada"], 2, "--yes"),
        (["user", "2fa", "nobody"], 5, "no such user"),
        (["token", "create", "bot", "--scopes", "fly"], 2, "/scopes"),
        (["token", "create", "bot", "--address", "here"], 2, "networks like"),
        (["token", "revoke", "nothing"], 5, "no such token"),
    ],
)
def test_a_mistake_is_named(people: Path, words: list[str], exit_code: int, named: str) -> None:
    more = ["--from-file", str(people / "word")] if words[:2] == ["user", "add"] else []
    result = run(people, *words, *more)
    assert (result.exit_code, named in result.stderr) == (exit_code, True), result.stderr


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one user, which mistakes do not change."""
    home = tmp_path_factory.mktemp("people")
    (home / "word").write_text(WORDS, "utf-8")
    add(home, "ada")
    return home


def test_nobody_is_asked_where_nobody_can_answer(people: Path) -> None:
    result = run(people, "user", "password", "ada")
    assert (result.exit_code, "--from-fd" in result.stderr) == (2, True)
