"""Old `.env` files: every venue's names, several venues in one file, and no value in what is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.app.import_env import CHOICE, known_names, meaning_of, venue_of
from floorbroker.app.importing import Draft, Reading, read_files
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.values import Environment

PAPER, LIVE, SIM = Environment.PAPER, Environment.LIVE, Environment.SIM
OTHERS = ("TRADIER", "IBKR", "IBKR_WEB", "UPSTOX", "BINANCE", "KRAKEN", "BYBIT", "OANDA", "POLYGON")
EVERY = {**BROKERS, **{code: replace(BROKERS["ALPACA"], code=code, name=code, hosts={}, fields=()) for code in OTHERS}}


def read(text: str, *, default: Environment | None = None) -> Reading:
    return read_files([(".env", text)], EVERY, default=default)


def only(text: str) -> Draft:
    (draft,) = read(text).drafts
    return draft


def shown(draft: Draft) -> dict[str, str]:
    found = {name: secret.reveal() for name, secret in draft.sealed.items()}
    return found | {name: text for name, text in (("host", draft.host), ("url", draft.url)) if text}


@pytest.mark.parametrize(
    ("text", "name", "fields"),
    [
        (
            "APCA_API_KEY_ID=PK1\nAPCA_API_SECRET_KEY=s1\nAPCA_API_BASE_URL=https://paper-api.alpaca.markets\n",
            "alpaca-paper",
            {"BROKER_API_KEY": "PK1", "BROKER_SECRET_KEY": "s1"},
        ),
        (
            "ALPACA_API_KEY='AK1'\nALPACA_SECRET_KEY=\"s1\"\nALPACA_PAPER=false # real money\n",
            "alpaca-live",
            {"BROKER_API_KEY": "AK1", "BROKER_SECRET_KEY": "s1"},
        ),
        (
            "ALPACA_API_KEY=k\nALPACA_API_SECRET=s1\nALPACA_BASE_URL=http://127.0.0.1:8801\n",
            "alpaca-sim",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "s1", "url": "http://127.0.0.1:8801"},
        ),
        (
            "TRADIER_ACCESS_TOKEN=t1\nTRADIER_ACCOUNT_NUMBER=VA1\nTRADIER_IS_PAPER=true\n",
            "tradier-paper",
            {"BROKER_API_KEY": "t1", "BROKER_ACCOUNT_NUMBER": "VA1"},
        ),
        (
            "IB_HOST=10.0.0.5\nIB_PORT=4001\nIB_CLIENT_ID=7\nIB_ACCOUNT=U1\n",
            "ibkr-live",
            {"BROKER_ACCOUNT_NUMBER": "U1", "url": "tws://10.0.0.5:4001?client_id=7"},
        ),
        ("TWS_PORT=7497\n", "ibkr-paper", {"url": "tws://127.0.0.1:7497"}),
        (
            "UPSTOX_API_KEY=k\nUPSTOX_API_SECRET=s\nUPSTOX_ENVIRONMENT=live\n",
            "upstox-live",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "s"},
        ),
        (
            "export BINANCE_API_KEY=k\nexport BINANCE_SECRET_KEY=s\nexport BINANCE_TESTNET=1\n",
            "binance-paper",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "s"},
        ),
        (
            "KRAKEN_API_KEY=k\nKRAKEN_PRIVATE_KEY=a+b/c==\nKRAKEN_ENV=production\n",
            "kraken-live",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "a+b/c=="},
        ),
        (
            "BYBIT_API_KEY=k\nBYBIT_API_SECRET=s\nBYBIT_TESTNET=no\n",
            "bybit-live",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "s"},
        ),
        (
            "OANDA_ACCESS_TOKEN=t\nOANDA_ACCOUNT_ID=001-001-1-001\nOANDA_ENVIRONMENT=practice\n",
            "oanda-paper",
            {"BROKER_API_KEY": "t", "BROKER_ACCOUNT_NUMBER": "001-001-1-001"},
        ),
        (
            "BROKER=Alpaca\nAPI_KEY=k\nAPI_SECRET=s\nPAPER_TRADING=yes\n",
            "alpaca-paper",
            {"BROKER_API_KEY": "k", "BROKER_SECRET_KEY": "s"},
        ),
        (
            "BROKER_CODE=ALPACA\nBROKER_API_KEY=PK1\nBROKER_SECRET_KEY=s\n",
            "alpaca-paper",
            {"BROKER_API_KEY": "PK1", "BROKER_SECRET_KEY": "s"},
        ),
    ],
)
def test_the_names_of_each_venue_become_a_profile(text: str, name: str, fields: dict[str, str]) -> None:
    draft = only(text)
    assert (draft.name, shown(draft), draft.refused) == (name, fields, "")
    assert all(line.used for line in read(text).lines)


def test_several_venues_in_one_file_are_several_profiles() -> None:
    found = read(
        "ALPACA_API_KEY=PK1\nALPACA_SECRET_KEY=s\nKRAKEN_API_KEY=k\nKRAKEN_API_SECRET=s\nKRAKEN_ENV=live\nPOLYGON_API_KEY=p\n"
    )
    assert [draft.name for draft in found.drafts] == ["alpaca-paper", "kraken-live", "polygon-paper"]


def test_names_that_say_paper_and_live_are_two_profiles_of_one_venue() -> None:
    found = read(
        "ALPACA_PAPER_API_KEY=PK1\nALPACA_PAPER_SECRET_KEY=p\nALPACA_LIVE_API_KEY=AK1\nALPACA_LIVE_SECRET_KEY=l\n"
    )
    assert {draft.name: shown(draft)["BROKER_SECRET_KEY"] for draft in found.drafts} == {
        "alpaca-paper": "p",
        "alpaca-live": "l",
    }


def test_files_are_read_together_and_the_last_word_counts() -> None:
    found = read_files([("a", "ALPACA_API_KEY=PK1\nALPACA_SECRET_KEY=s\n"), ("b", "ALPACA_API_KEY=PK2\n")], BROKERS)
    assert shown(found.drafts[0])["BROKER_API_KEY"] == "PK2"
    assert [(line.file, line.number, line.used) for line in found.lines] == [
        ("a", 1, False),
        ("a", 2, True),
        ("b", 1, True),
    ]


# -- what is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ALPACA_API_KEY=k\nALPACA_PAPER=true\nALPACA_BASE_URL=https://api.alpaca.markets\n", "do not agree"),
        ("ALPACA_API_KEY=AK1\nALPACA_PAPER=true\n", "do not agree"),
        ("ALPACA_API_KEY=k\nAPCA_API_KEY_ID=other\n", "say different things"),
        ("IB_PORT=7497\nIB_TRADING_MODE=live\n", "do not agree"),
    ],
)
def test_lines_that_contradict_each_other_make_no_profile(text: str, told: str) -> None:
    draft = only(text)
    assert told in draft.refused
    assert ".env:" in draft.refused
    assert not any(line.used for line in read(text).lines)


def test_a_venue_without_an_adapter_is_known_by_name_and_not_made() -> None:
    others = {code: info for code, info in BROKERS.items() if code != "OANDA"}
    (draft,) = read_files([(".env", "OANDA_ACCESS_TOKEN=t\nOANDA_ACCOUNT_ID=1\n")], others).drafts
    assert (draft.broker, draft.refused) == ("OANDA", "this desk has no adapter for it yet")


def test_what_says_neither_paper_nor_live_is_paper_unless_a_person_says_otherwise() -> None:
    (paper,) = read("ALPACA_API_KEY=k\n").drafts
    (live,) = read("ALPACA_API_KEY=k\n", default=LIVE).drafts
    assert (paper.environment, live.environment) == (PAPER, LIVE)
    assert paper.notes == ("no line says paper or live: taken as paper",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ALPACA_API_KEY=", "empty"),
        ("ALPACA_API_KEY=your_api_key_here", "a placeholder"),
        ("ALPACA_API_KEY=<key>", "a placeholder"),
        ("ALPACA_API_KEY=${OTHER}", "another variable"),
        ("ALPACA_API_KEY", "not NAME=value"),
        ("DATABASE_URL=postgres://x", "not a credential"),
        ("ALPACA_SOMETHING_NEW=x", "a name that is not known"),
        ("API_KEY=x", "does not say of which venue"),
        ("BROKER=nobody", "no venue that is known"),
        ("TWS_PASSWORD=x", "gateway's own container"),
        ("ALPACA_OAUTH_TOKEN=x", "a token of one day"),
    ],
)
def test_an_ignored_line_is_told_with_the_reason(line: str, told: str) -> None:
    found = read(f"# a comment\n\n{line}\n")
    (only_line,) = found.lines
    assert found.drafts == ()
    assert (only_line.number, only_line.used) == (3, False)
    assert told in only_line.detail


# -- the table --------------------------------------------------------------------------------------------------------------


def test_every_name_of_the_table_means_one_thing() -> None:
    names = known_names()
    assert len(names) > 150
    assert [name for name in names - {*CHOICE} if isinstance(meaning_of(name, "ALPACA"), str)] == []


@pytest.mark.parametrize(
    ("word", "code"),
    [("Interactive Brokers", "IBKR"), ("ib", "IBKR"), ("ibkr-web", "IBKR_WEB"), ("alpaca", "ALPACA"), ("x", None)],
)
def test_a_venue_may_be_spelled_in_many_ways(word: str, code: str | None) -> None:
    assert venue_of(word) == code


NAMES = sorted(known_names())


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.text("abcXYZ0189+/=", min_size=12, max_size=40)), max_size=8))
def test_no_value_is_ever_told(pairs: list[tuple[str, str]]) -> None:
    found = read("\n".join(f"{name}={value}" for name, value in pairs))
    told = f"{found.lines!r} {[(d.refused, d.notes, d.name, d.sealed) for d in found.drafts]!r}"
    assert not [value for _, value in pairs if value in told]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    read(text)
