"""The OS keyring: whose an entry is, and what is told when there is none."""

from __future__ import annotations

import importlib.util

import pytest

from floorbroker.app.keystore import KeyStore, os_keyring
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from tests.unit.app.fakes import FakeKeyring, KeyringTroubleError, NoKeyringError

FIELDS = {"BROKER_API_KEY": Secret("PKCANARY"), "BROKER_SECRET_KEY": Secret("canary-91c3")}


def kept() -> KeyStore:
    store = KeyStore(FakeKeyring(), (KeyringTroubleError,))
    store.write("mine", broker="ALPACA", environment=Environment.PAPER, fields=FIELDS)
    return store


def test_what_was_written_comes_back_for_the_same_account() -> None:
    found = kept().secrets("mine", broker="ALPACA", environment=Environment.PAPER)
    assert found == FIELDS
    assert kept().secrets("other", broker="ALPACA", environment=Environment.PAPER) == {}


@pytest.mark.parametrize(("broker", "environment"), [("ALPACA", Environment.LIVE), ("OTHER", Environment.PAPER)])
def test_an_entry_of_another_account_is_refused(broker: str, environment: Environment) -> None:
    with pytest.raises(ConfigInvalid, match="ALPACA in paper") as refused:
        kept().secrets("mine", broker=broker, environment=environment)
    assert "canary" not in refused.value.detail.lower()


def test_a_profile_that_is_removed_leaves_nothing_behind() -> None:
    store = kept()
    store.remove("mine")
    assert isinstance(store.keyring, FakeKeyring)
    assert store.keyring.held == {}


@pytest.mark.parametrize(
    ("trouble", "told"),
    [(NoKeyringError("canary-91c3"), "has no keyring"), (KeyringTroubleError("canary-91c3"), "KeyringTroubleError")],
)
def test_a_keyring_that_does_not_answer_is_told_without_its_own_words(trouble: Exception, told: str) -> None:
    store = KeyStore(FakeKeyring(trouble=trouble), (KeyringTroubleError,))
    with pytest.raises(ConfigInvalid, match=told) as refused:
        store.fields("mine")
    assert "canary" not in refused.value.detail


@pytest.mark.skipif(importlib.util.find_spec("keyring") is not None, reason="the keyring library is installed here")
def test_without_the_library_the_command_that_installs_it_is_told() -> None:
    with pytest.raises(ConfigInvalid, match="make extra NAME=keyring"):
        os_keyring()
