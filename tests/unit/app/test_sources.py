"""Where a profile's credentials come from: environment over `.env_bot` over keyring over vault, for the profile they describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from floorbroker.app.compose import Seat
from floorbroker.app.config import load
from floorbroker.app.credentials import read_bot
from floorbroker.app.floor import seats_of
from floorbroker.app.home import Home
from floorbroker.app.keystore import KeyStore
from floorbroker.app.sources import Origin, Sources, gather
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from tests.unit.app.fakes import FakeKeyring

PROFILE = Profile(name=ProfileName("mine"), broker="ALPACA", environment=Environment.PAPER)
MINE = """
[profiles.mine]
broker = "ALPACA"
environment = "paper"
"""


def keyring(**fields: str) -> KeyStore:
    store = KeyStore(FakeKeyring())
    given = {name: Secret(text) for name, text in fields.items()}
    store.write("mine", broker="ALPACA", environment=Environment.PAPER, fields=given)
    return store


def test_the_nearer_source_wins_field_by_field(tmp_path: Path) -> None:
    (tmp_path / ".env_bot").write_text("BROKER_CODE=ALPACA\nBROKER_PASSWORD=bot\nBROKER_USERNAME=bot\n")
    found = gather(
        PROFILE,
        None,
        bot=read_bot(tmp_path / ".env_bot", {"BROKER_USERNAME": "outside"}),
        keystore=keyring(BROKER_API_KEY="ring", BROKER_PASSWORD="ring"),
        sealed={name: Secret("vault") for name in ("BROKER_SECRET_KEY", "BROKER_API_KEY", "BROKER_PASSWORD")},
    )
    assert {name: (found.secrets[name].reveal(), found.origins[name].value) for name in found.secrets} == {
        "BROKER_SECRET_KEY": ("vault", "vault"),
        "BROKER_API_KEY": ("ring", "keyring"),
        "BROKER_PASSWORD": ("bot", ".env_bot"),
        "BROKER_USERNAME": ("outside", "environment"),
    }


def test_all_five_sealed_fields_are_secrets_and_the_others_are_text() -> None:
    names = ("BROKER_USERNAME", "BROKER_PASSWORD", "BROKER_ACCOUNT_NUMBER", "BROKER_API_KEY", "BROKER_SECRET_KEY")
    given = {**dict.fromkeys(names, "text"), "BROKER_CODE": "ALPACA", "BROKER_HOST": "h", "BROKER_URL": "u"}
    found = gather(PROFILE, None, bot=read_bot(Path("absent"), given), keystore=None, sealed={})
    assert (set(found.secrets), set(found.plain)) == (set(names), {"BROKER_CODE", "BROKER_HOST", "BROKER_URL"})
    assert "text" not in repr(read_bot(Path("absent"), given))


def test_host_and_url_come_from_the_file_until_the_environment_says_otherwise(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text(MINE + 'url = "http://127.0.0.1:1"\nhost = "gateway"\n')
    section = load(home, environ={}).profiles["mine"]
    bot = read_bot(home.env_bot, {"BROKER_URL": "http://127.0.0.1:2"})
    found = gather(PROFILE, section, bot=bot, keystore=None, sealed={})
    assert (found.plain["BROKER_HOST"], found.origins["BROKER_HOST"]) == ("gateway", Origin.FILE)
    assert (found.plain["BROKER_URL"], found.origins["BROKER_URL"]) == ("http://127.0.0.1:2", Origin.ENVIRONMENT)


# -- whose they are -----------------------------------------------------------------------------------------------------


def seats(tmp_path: Path, written: str, environ: Mapping[str, str], sources: Sources | None = None) -> dict[str, Seat]:
    home = Home(tmp_path)
    home.config.write_text(written)
    found = seats_of(home, load(home, environ={}), read_bot(home.env_bot, environ), sources=sources)
    return {seat.profile.name: seat for seat in found}


KEYS = {"BROKER_CODE": "ALPACA", "BROKER_API_KEY": "PKONE"}
LIVE = """
[profiles.real]
broker = "ALPACA"
environment = "live"
[profiles.real.limits]
max_order_qty = "1"
max_order_notional = "1"
collar_bps = "1"
max_position_notional = "1"
max_gross_exposure = "1"
max_open_orders = 1
max_messages_s = 1
"""


def test_keys_from_the_environment_reach_the_one_profile_they_describe_and_no_other(tmp_path: Path) -> None:
    found = seats(tmp_path, MINE + LIVE, KEYS)
    assert set(found) == {"mine", "real"}
    assert found["mine"].secrets["BROKER_API_KEY"].reveal() == "PKONE"
    assert found["real"].secrets == {}


def test_keys_of_an_account_that_is_not_configured_make_a_profile_of_their_own(tmp_path: Path) -> None:
    found = seats(tmp_path, '[profiles.paper]\nbroker = "PAPER"\nenvironment = "paper"\n', KEYS)
    assert set(found) == {"paper", "alpaca-paper"}
    assert set(found["alpaca-paper"].secrets) == {"BROKER_API_KEY"}


def test_keys_that_fit_several_profiles_go_to_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"several profiles \(mine, other\)"):
        seats(tmp_path, MINE + MINE.replace("mine", "other"), KEYS)


def test_of_several_the_one_with_the_right_name_gets_them(tmp_path: Path) -> None:
    found = seats(tmp_path, MINE + MINE.replace("mine", "alpaca-paper"), KEYS)
    assert (len(found["alpaca-paper"].secrets), len(found["mine"].secrets)) == (1, 0)


def test_a_name_that_belongs_to_another_account_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="give that profile another name"):
        seats(tmp_path, MINE.replace("mine", "alpaca-paper").replace('"paper"', '"sim"'), KEYS)


# -- the keyring --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asking", ["[vault]\nkeyring = true\n" + MINE, MINE + 'credentials = "keyring"\n'])
def test_the_keyring_is_asked_where_the_configuration_says_so(tmp_path: Path, asking: str) -> None:
    found = seats(tmp_path, asking, {}, Sources(keystore=lambda: keyring(BROKER_API_KEY="PKRING")))
    assert found["mine"].secrets["BROKER_API_KEY"].reveal() == "PKRING"


def test_the_keyring_is_not_asked_otherwise(tmp_path: Path) -> None:
    def never() -> KeyStore:
        raise AssertionError("the keyring was asked")

    assert seats(tmp_path, MINE, {}, Sources(keystore=never))["mine"].secrets == {}
    paper = '[vault]\nkeyring = true\n[profiles.p]\nbroker = "PAPER"\nenvironment = "paper"\n'
    assert seats(tmp_path, paper, {}, Sources(keystore=never))["p"].secrets == {}
