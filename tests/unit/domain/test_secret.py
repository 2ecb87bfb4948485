"""A secret does not leak through any of the usual cracks (I21)."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from floorbroker.domain.errors import VaultLocked
from floorbroker.domain.secret import LeasedSecret, Secret

WORD = "hunter2-and-more"


def test_no_text_form_of_a_secret_shows_it() -> None:
    secret = Secret(WORD)
    shown = f"{secret} {secret!r} {secret!s} {secret:>40} {[secret]} { {'k': secret} }"
    assert WORD not in shown
    assert secret.reveal() == WORD


def test_a_secret_cannot_be_pickled_copied_or_turned_into_json() -> None:
    secret = Secret(WORD)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_secrets_compare_by_content_and_an_empty_one_is_false() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")


def test_a_leased_secret_is_asked_for_each_time_and_may_be_refused() -> None:
    lent = [Secret(WORD)]

    def lend() -> Secret:
        if not lent:
            raise VaultLocked("the vault is locked")
        return lent[-1]

    leased = LeasedSecret(lend)
    assert leased.reveal() == WORD
    lent.append(Secret("another-word"))
    assert leased.reveal() == "another-word"
    lent.clear()
    with pytest.raises(VaultLocked):
        leased.reveal()
    assert leased
    assert leased == leased  # noqa: PLR0124 - itself, and nothing else
    assert leased != Secret(WORD)


def test_a_leased_secret_shows_no_more_than_another() -> None:
    leased = LeasedSecret(lambda: Secret(WORD))
    assert WORD not in f"{leased} {leased!r} {[leased]}"
    for act in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            act(leased)
