"""`BrokerCredentials`: read as a desk reads, and nothing of a secret in what it prints."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

import floorbroker
from floorbroker import BrokerCredentials
from floorbroker.app.credentials import profile_of
from floorbroker.app.keystore import KeyStore
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.forms import FIELDS
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from tests.unit.app.fakes import FakeKeyring

CANARY = "canary-0f6d1e"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOORBROKER_HOME", str(tmp_path))
    return tmp_path


def test_its_members_are_the_eight_in_lower_case() -> None:
    assert tuple(BrokerCredentials.model_fields) == tuple(name.lower() for name in FIELDS)
    assert "BrokerCredentials" in floorbroker.__all__


def test_the_environment_wins_over_the_file_and_arguments_over_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".env_bot").write_text("BROKER_CODE=ALPACA\nBROKER_API_KEY=PKFILE\nBROKER_URL=file\nBROKER_HOST=file\n")
    monkeypatch.setenv("BROKER_URL", "outside")
    monkeypatch.setenv("BROKER_HOST", "outside")
    found = BrokerCredentials(broker_host="argument")
    assert (found.broker_code, found.broker_host, found.broker_url) == ("ALPACA", "argument", "outside")
    assert found.broker_api_key is not None
    assert found.broker_api_key.get_secret_value() == "PKFILE"


def test_nothing_it_shows_holds_a_secret(home: Path) -> None:
    sealed = "\n".join(
        f"{name}={CANARY}" for name in FIELDS if name not in {"BROKER_CODE", "BROKER_HOST", "BROKER_URL"}
    )
    (home / ".env_bot").write_text(f"BROKER_CODE=ALPACA\n{sealed}\n")
    found = BrokerCredentials()
    shown = [repr(found), str(found), repr(found.model_dump()), found.model_dump_json(), repr(found.as_bot())]
    assert not [text for text in shown if CANARY in text]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(found)


def test_an_error_names_the_member_and_not_what_was_given(home: Path) -> None:
    for wrong in ({"broker_secret_kee": CANARY}, {"broker_secret_key": [CANARY]}, {"broker_password": CANARY * 400}):
        with pytest.raises(ValidationError) as refused:
            BrokerCredentials(broker_code="ALPACA", **wrong)  # type: ignore[arg-type]
        assert next(iter(wrong)) in str(refused.value)
        assert CANARY not in str(refused.value)


def test_without_a_broker_there_are_no_credentials(home: Path) -> None:
    with pytest.raises(ValidationError, match="broker_code"):
        BrokerCredentials()


def test_a_wrong_line_of_the_file_is_named_by_its_number(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"BROKER_CODE=ALPACA\nBROKER_APIKEY={CANARY}\n")
    with pytest.raises(ConfigInvalid, match="other:2") as refused:
        BrokerCredentials(_env_file=other)  # type: ignore[call-arg]
    assert CANARY not in refused.value.detail


def test_the_keyring_gives_the_profile_it_is_asked_for_and_the_environment_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_SECRET_KEY", "of somebody else")
    store = KeyStore(FakeKeyring())
    store.write("mine", broker="ALPACA", environment=Environment.PAPER, fields={"BROKER_API_KEY": Secret("PKRING")})
    found = BrokerCredentials.from_keyring(profile="mine", keystore=lambda: store)
    assert found.as_bot().fields() == {"BROKER_CODE": "ALPACA", "BROKER_API_KEY": "PKRING"}
    with pytest.raises(ConfigInvalid, match="no profile 'nobody'"):
        BrokerCredentials.from_keyring(profile="nobody", keystore=lambda: store)


def test_live_keys_need_leave_when_they_come_from_plain_text_and_not_from_a_keyring(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = BrokerCredentials(broker_code="ALPACA", broker_url="https://api.alpaca.markets")
    with pytest.raises(ConfigInvalid, match="BROKER_PLAINTEXT_OK"):
        profile_of(live.as_bot(), BROKERS)
    monkeypatch.setenv("BROKER_PLAINTEXT_OK", "1")
    assert profile_of(live.as_bot(), BROKERS) is not None
    monkeypatch.delenv("BROKER_PLAINTEXT_OK")
    store = KeyStore(FakeKeyring())
    store.write(
        "mine", broker="ALPACA", environment=Environment.LIVE, fields={"BROKER_URL": Secret(live.broker_url or "")}
    )
    kept = BrokerCredentials.from_keyring(profile="mine", keystore=lambda: store)
    assert profile_of(kept.as_bot(), BROKERS) is not None
