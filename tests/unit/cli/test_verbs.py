"""Verbs against a real desk with the paper venue, inside this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.running import Server, document, run, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running server that nobody trades on."""
    with served(tmp_path_factory.mktemp("home")) as running:
        yield running


def test_an_order_is_bought_shown_and_found_again(tmp_path: Path) -> None:
    bought = document(run(tmp_path, "--json", "buy", "AAPL", "5", "--wait", "--idempotency-key", "one"))
    assert (bought["ord_status"], bought["cum_qty"]) == ("filled", "5")
    again = document(run(tmp_path, "buy", "AAPL", "5", "--idempotency-key", "one", "--json"))
    assert again["id"] == bought["id"]
    listed = document(run(tmp_path, "order", "list", "--json"))
    assert [order["id"] for order in listed["items"]] == [bought["id"]]
    table = run(tmp_path, "positions", "--columns", "symbol,quantity")
    assert table.stdout.split() == ["SYMBOL", "QTY", "AAPL", "5"]


def test_a_repeat_of_a_key_with_another_order_is_refused(tmp_path: Path) -> None:
    document(run(tmp_path, "--json", "buy", "AAPL", "5", "--idempotency-key", "one"))
    other = run(tmp_path, "buy", "AAPL", "6", "--idempotency-key", "one")
    assert other.exit_code in {2, 13}
    assert len(document(run(tmp_path, "order", "list", "--json"))["items"]) == 1


@pytest.mark.parametrize(
    ("words", "exit_code", "told"),
    [
        (["buy", "AAPL", "abc"], 2, "/quantity"),
        (["buy", "AAPL", "NaN"], 2, "/quantity"),
        (["buy", "AAPL", "1e400"], 2, "/quantity"),
        (["buy", "AAPL", "0"], 2, "/quantity"),
        (["buy", "AAPL", "--", "-1"], 2, "/quantity"),
        (["buy", "AAPL\x1b[2J", "1"], 2, "/symbol"),
        (["buy", "ZZZZ", "1"], 5, "ZZZZ"),
        (["buy", "AAPL", "1", "--tif", "someday"], 2, "/time_in_force"),
        (["buy", "AAPL", "1", "--limit", "100000"], 6, "collar"),
        (["buy", "AAPL", "1", "--idempotency-key", "é"], 2, "--idempotency-key"),
        (["buy", "AAPL", "1", "--wait=forever"], 2, "--wait=forever"),
        (["buy", "AAPL"], 2, "say how much"),
        (["buy"], 2, "symbol"),
        (["order", "submit", "--file", "/nowhere.json"], 2, "/nowhere.json"),
        (["order", "show", "nope"], 5, "nope"),
        (["order", "list", "--status", "sleepy"], 2, "--status: "),
        (["hours", "--day", "someday"], 2, "--day: "),
        (["order", "resolve", "nope", "--action", "guess", "--reason", "x"], 2, "'ask', 'attribute'"),
        (["openapi", "--output", "/nowhere/openapi.json"], 2, "/nowhere/openapi.json"),
        (["order", "list", "--env", "moon"], 2, "moon"),
        (["status", "--env", "live"], 5, "live"),
        (["buy", "AAPL", "1", "--profile", "nobody"], 5, "nobody"),
        (["nonsense"], 2, "nonsense"),
        (["kill", "on", "--level", "7"], 2, "level"),
    ],
)
def test_bad_input_names_what_is_wrong_and_does_nothing(
    server: Server, words: list[str], exit_code: int, told: str
) -> None:
    flags, behind = (words[: words.index("--")], words[words.index("--") :]) if "--" in words else (words, [])
    result = run(server.home, *flags, "--json", *behind)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    error = json.loads(result.stderr.splitlines()[-1])
    assert told in json.dumps(error, ensure_ascii=False)
    assert error["exit_code"] == exit_code
    assert server.items("/orders") == []
    assert not (server.home / "kill").exists()


ALPACA_SIM = '[profiles.a]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n'


def test_a_desk_that_would_not_start_for_want_of_a_key_is_not_called_valid(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text(ALPACA_SIM, "utf-8")
    refused = run(tmp_path, "config", "validate")
    assert (refused.exit_code, "profile a needs BROKER_API_KEY" in refused.stderr) == (3, True)
    (tmp_path / ".env_bot").write_text(
        "BROKER_CODE=ALPACA\nBROKER_API_KEY=PK1\nBROKER_SECRET_KEY=k1\nBROKER_URL=http://127.0.0.1:9\n", "utf-8"
    )
    assert document(run(tmp_path, "config", "validate", "--json"))["profiles"] == ["a"]


def test_traces_over_an_open_road_are_not_called_valid(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text(
        '[telemetry]\nendpoint = "http://collector.example/v1/traces"\n', "utf-8"
    )
    refused = run(tmp_path, "config", "validate")
    assert (refused.exit_code, "telemetry.endpoint" in refused.stderr) == (3, True)


def test_validating_leaves_the_home_as_it_was(tmp_path: Path) -> None:
    assert run(tmp_path, "config", "validate").exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_preview_of_a_routed_order_names_where_it_would_go_and_who_was_asked(tmp_path: Path) -> None:
    two = "".join(f'[profiles.{name}]\nbroker = "PAPER"\nenvironment = "paper"\n' for name in ("one", "two"))
    routes = '[routing]\nstrategy = "primary"\nprofiles = ["two", "one"]\n'
    (tmp_path / "floorbroker.toml").write_text(two + routes, "utf-8")
    shown = run(tmp_path, "buy", "AAPL", "1", "--preview")
    assert "it would be sent to two" in shown.stderr
    heads = [line.split() for line in shown.stdout.splitlines() if line.startswith(("PROFILE", "one", "two"))]
    assert [words[:2] for words in heads] == [["PROFILE", "TAKEN"], ["two", "yes"], ["one", "no"]]


def test_a_preview_sends_nothing(tmp_path: Path) -> None:
    shown = document(run(tmp_path, "buy", "AAPL", "1", "--preview", "--json"))
    assert shown["ok"]
    assert document(run(tmp_path, "order", "list", "--json"))["items"] == []


def test_working_orders_are_changed_and_cancelled(tmp_path: Path) -> None:
    first = document(run(tmp_path, "buy", "AAPL", "1", "--limit", "210", "--tif", "gtc", "--json"))
    assert first["ord_status"] == "new"
    changed = document(run(tmp_path, "order", "modify", first["id"], "--limit", "211", "--json"))
    assert changed["limit_price"] == "211"
    document(run(tmp_path, "buy", "MSFT", "1", "--limit", "400", "--tif", "gtc", "--json"))
    document(run(tmp_path, "order", "cancel-all", "--symbol", "AAPL", "--json"))
    still = document(run(tmp_path, "order", "list", "--status", "open", "--json"))
    assert [order["symbol"] for order in still["items"]] == ["MSFT"]
    facts = document(run(tmp_path, "order", "show", first["id"], "--events", "--json"))["items"]
    assert [fact["seq"] for fact in facts] == sorted(fact["seq"] for fact in facts)


def test_an_empty_list_is_no_failure(tmp_path: Path) -> None:
    result = run(tmp_path, "fills")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no fills" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["account"],
        ["quote", "AAPL"],
        ["book", "BTC/USD", "--depth", "2"],
        ["bars", "AAPL", "--limit-rows", "3"],
        ["hours"],
        ["status"],
        ["risk", "show"],
    ],
)
def test_every_reading_verb_gives_a_document_and_a_table(server: Server, words: list[str]) -> None:
    assert document(run(server.home, *words, "--json"))
    assert run(server.home, *words).stdout


def test_an_account_is_that_of_all_profiles_or_of_one(server: Server) -> None:
    whole = document(run(server.home, "account", "--json"))
    assert (whole["complete"], [part["profile"] for part in whole["profiles"]]) == (True, ["paper"])
    assert document(run(server.home, "account", "--profile", "paper", "--json"))["cash"] == whole["cash"]


def test_what_is_not_in_an_account_is_said_beside_it(server: Server) -> None:
    result = run(server.home, "account", "--currency", "XAU")
    assert result.exit_code == 0
    assert "USD is not counted: no profile quotes it in XAU" in result.stderr


def test_the_audit_tells_who_ordered(tmp_path: Path) -> None:
    bought = document(run(tmp_path, "buy", "AAPL", "1", "--json"))
    rows = [json.loads(line) for line in run(tmp_path, "audit", "tail", "--json").stdout.splitlines()]
    assert bought["id"] in [row["object"] for row in rows if row["action"] == "order.submit"]


def test_the_settings_in_force_name_where_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text("[server]\nport = 9123\n")
    found = document(run(tmp_path, "config", "show", "--origin", "--json"))
    assert (found["server.port"]["value"], found["server.port"]["origin"]) == (9123, "file")
    assert found["server.host"]["origin"] == "default"


def test_one_setting_is_read_and_written_with_its_comment_kept(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text("[server]\nport = 9123  # behind the proxy\n")
    assert document(run(tmp_path, "config", "get", "server.port", "--json")) == 9123
    assert run(tmp_path, "config", "set", "server.port", "9124").exit_code == 0
    assert run(tmp_path, "config", "set", "profiles.p.broker", "PAPER").exit_code == 2
    assert run(tmp_path, "config", "set", "risk.max_order_notional", '"5000"').exit_code == 0
    text = (tmp_path / "floorbroker.toml").read_text()
    assert text.startswith("[server]\nport = 9124  # behind the proxy\n")
    shown = run(tmp_path, "config", "get", "server").stdout.split()
    assert shown[:8] == ["KEY", "VALUE", "server.host", "127.0.0.1", "server.port", "9124", "server.names", "[]"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["get", "server.prot"], 5, "did you mean server.port"),
        (["set", "server.prot", "1"], 3, "did you mean port"),
        (["set", "server.port", "high"], 3, "server.port"),
        (["set", "risk.max_order_notional", "0.5"], 3, "max_order_notional"),
        (["set", "profiles.mine.api_key", "canary"], 2, "secrets do not stand"),
        (["set", "profiles.mine.broker_password", "canary"], 2, "secrets do not stand"),
        (["set", "server.port.x", "1"], 3, "by hand"),
    ],
)
def test_a_wrong_setting_is_refused_and_the_file_stays(tmp_path: Path, words: list[str], code: int, told: str) -> None:
    before = "[server]\nport = 9123\n"
    (tmp_path / "floorbroker.toml").write_text(before)
    result = run(tmp_path, "config", *words)
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert (tmp_path / "floorbroker.toml").read_text() == before


def test_a_switch_of_the_bot_file_is_shown_with_the_setting_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env_bot").write_text(
        "API_RETRY_LIMIT=2\nFAILOVER_ENABLED=1\nFAILOVER_LOG_TAG=MOVED\nFRACTIONAL_ENABLED=0\n"
    )
    found = document(run(tmp_path, "config", "show", "--origin", "--json"))
    assert [(found[key]["value"], found[key]["origin"]) for key in (
        "trading.read_retries", "failover.enabled", "failover.log_tag", "trading.fractional",
    )] == [
        (2, ".env_bot API_RETRY_LIMIT"), (True, ".env_bot FAILOVER_ENABLED"),
        ("MOVED", ".env_bot FAILOVER_LOG_TAG"), (False, ".env_bot FRACTIONAL_ENABLED"),
    ]  # fmt: skip


def test_failover_without_a_route_is_valid_and_does_nothing_in_silence(tmp_path: Path) -> None:
    assert document(run(tmp_path, "config", "validate", "--json"))["warnings"] == []
    (tmp_path / ".env_bot").write_text("FAILOVER_ENABLED=true\n")
    assert "no failover route" in document(run(tmp_path, "config", "validate", "--json"))["warnings"][0]
    assert "no failover route is configured" in run(tmp_path, "config", "validate").stderr


@pytest.mark.parametrize("words", [["0.5"], ["--notional", "100"]])
def test_fractions_switched_off_in_the_bot_file_are_refused(tmp_path: Path, words: list[str]) -> None:
    assert run(tmp_path, "buy", "AAPL", *words, "--json").exit_code == 0
    (tmp_path / ".env_bot").write_text("FRACTIONAL_ENABLED=false\n")
    assert run(tmp_path, "buy", "AAPL", *words, "--json").exit_code == 2


def test_a_wrong_setting_is_exit_code_3_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text("[server]\nprot = 9123\n")
    result = run(tmp_path, "config", "validate")
    assert result.exit_code == 3
    assert "port" in result.stderr


def test_the_openapi_document_knows_the_orders(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, "openapi").stdout)
    assert "/api/v1/{env}/orders" in found["paths"]


def test_a_command_for_one_environment_opens_no_other(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text(
        '[profiles.one]\nbroker = "PAPER"\nenvironment = "paper"\n'
        '[profiles.two]\nbroker = "ALPACA"\nenvironment = "sim"\n'
    )
    assert run(tmp_path, "status", "--env", "paper").exit_code == 0
    assert not (tmp_path / "journal-sim.db").exists()
    assert run(tmp_path, "status", "--env", "live").exit_code == 5
    assert run(tmp_path, "status", "--env", "moon").exit_code == 2


def test_a_noun_without_a_verb_is_answered_with_its_help(tmp_path: Path) -> None:
    result = run(tmp_path, "order")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: floorbroker order")


def test_the_limits_in_force_are_shown_of_every_scope(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text('[risk]\nmax_order_qty = "7"\n')
    found = document(run(tmp_path, "risk", "show", "--limits", "--json"))
    scope = next(scope for scope in found["scopes"] if scope["scope"] == "profile:paper")
    limits = {row["name"]: row["value"] for row in scope["limits"]}
    assert (limits["max_order_qty"], limits["allow_sides"]) == ('"7"', '["buy", "sell"]')


def test_a_limit_is_lowered_at_once_and_raised_by_name(tmp_path: Path) -> None:
    lowered = run(tmp_path, "risk", "set", "max_order_qty", "7", "--json")
    assert lowered.exit_code == 0, lowered.stderr
    assert run(tmp_path, "risk", "set", "max_order_qty", "8", "--reason", "more").exit_code != 0
    raised = run(
        tmp_path, "risk", "set", "max_order_qty", "8", "--reason", "more", "--confirm", "max_order_qty", "--json"
    )
    assert document(raised)["version"] == 2
    shown = run(tmp_path, "risk", "set", "max_order_qty", "8")
    assert [line.split()[:3] for line in shown.stdout.splitlines()] == [
        ["SCOPE", "LIMIT", "VALUE"],
        ["profile:paper", "max_order_qty", "8"],
    ]
    stale = run(tmp_path, "risk", "set", "max_order_qty", "6", "--version", "1")
    assert stale.exit_code != 0
    scoped = document(run(tmp_path, "risk", "set", "max_open_orders", "3", "--strategy", "m", "--json"))
    assert {scope["scope"] for scope in scoped["scopes"]} == {"profile:paper", "strategy:m"}


def test_a_strategy_is_switched_off_and_on_again(tmp_path: Path) -> None:
    assert run(tmp_path, "risk", "disable", "m").exit_code == 0
    rows = document(run(tmp_path, "risk", "strategies", "--json"))
    assert rows["items"][0]["off"].startswith("strategy m was switched off")
    assert run(tmp_path, "risk", "enable", "m").exit_code == 2
    assert document(run(tmp_path, "risk", "enable", "m", "--reason", "fine", "--json"))["off"] is None


def test_help_and_version_need_no_home(tmp_path: Path) -> None:
    home = tmp_path / "never"
    assert "order" in run(home, "--help").stdout
    assert run(home, "version").stdout.startswith("floorbroker ")
    assert run(home, "--version").exit_code == 0
    assert not home.exists()


def test_a_doubt_is_looked_at_and_what_is_not_allowed_says_why(tmp_path: Path) -> None:
    bought = document(run(tmp_path, "--json", "buy", "AAPL", "5", "--wait"))
    found = document(run(tmp_path, "order", "resolve", bought["id"], "--json"))
    assert (found["standing"], [a["allowed"] for a in found["actions"]]) == ("settled", [False] * 5)
    shown = run(tmp_path, "order", "resolve", bought["id"]).stdout
    assert "is settled: filled" in shown
    assert "nothing is in doubt about this order" in shown
    act = run(tmp_path, "order", "resolve", bought["id"], "--action", "ask", "--reason", "test")
    assert (act.exit_code != 0, "nothing is in doubt" in act.stderr + act.stdout) == (True, True)


def test_adjustments_are_listed_with_the_reconciliation(tmp_path: Path) -> None:
    assert document(run(tmp_path, "reconcile", "--adjustments", "--json"))["items"] == []


TWO = "".join(f'[profiles.{name}]\nbroker = "PAPER"\nenvironment = "paper"\n' for name in ("one", "two"))


def test_an_order_is_shown_with_its_route_as_a_table_and_the_document_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "floorbroker.toml").write_text(TWO + '[routing]\nstrategy = "load_balanced"\n', "utf-8")
    bought = document(run(tmp_path, "buy", "AAPL", "1", "--wait", "--json"))
    shown = run(tmp_path, "order", "show", bought["id"])
    lines = [line.split() for line in shown.stdout.splitlines()]
    heads, taken, other = lines[lines.index(["rule", "default"]) + 1 :][:3]
    assert heads == ["PROFILE", "TAKEN", "OPEN", "WEIGHT", "HEALTH", "BUDGET", "LOAD", "WHY"]
    assert (taken[:6], taken[-2:]) == (["one", "yes", "0", "1", "100", "1"], ["load", "1"])
    assert other[:2] == ["two", "no"]
    assert lines[-2][:4] == ["FILLED", "AT", "QTY", "PRICE"]
    assert "{" not in shown.stdout
    told = document(run(tmp_path, "order", "show", bought["id"], "--json"))
    assert [seen["profile"] for seen in told["routing"]["candidates"]] == ["one", "two"]


def test_a_split_order_is_shown_with_its_parts_and_children(tmp_path: Path) -> None:
    routes = '[routing]\nstrategy = "best_execution"\nsplit_most = 2\n[risk]\ncollar_bps = "10000"\n'
    (tmp_path / "floorbroker.toml").write_text(TWO + routes, "utf-8")
    for name, qty in (("one", "6"), ("two", "4")):
        assert run(tmp_path, "buy", "AAPL", qty, "--wait", "--profile", name).exit_code == 0
    sold = document(run(tmp_path, "sell", "AAPL", "10", "--limit", "999", "--json"))
    shown = run(tmp_path, "order", "show", sold["id"])
    lines = [line.split() for line in shown.stdout.splitlines()]
    parts, children = (at for at, words in enumerate(lines) if words[0] == "PART")
    assert [words[:3] for words in lines[parts + 1 : children]] == [["1", "one", "6"], ["2", "two", "4"]]
    assert lines[parts][-2:] == ["TOTAL", "BPS"]
    assert [(words[2], words[3], words[-2]) for words in lines[children + 1 :]] == [
        ("one", "6", "new"),
        ("two", "4", "new"),
    ]
    ended = document(run(tmp_path, "order", "cancel", sold["id"], "--json"))
    assert ended["ord_status"] == "canceled"
