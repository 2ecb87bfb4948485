"""Which passwords are taken, and that what is kept fits its password alone."""

from __future__ import annotations

import pytest

from floorbroker.people.passwords import Argon2, is_short, why_weak

FAST = Argon2(memory_kib=8, iterations=1)


@pytest.mark.parametrize(
    "password",
    [
        "vinegar lamp orbit moss",
        "x" * 7 + "kT9 zebra umbrella",
        "пятнадцать разных букв",
        "🦊🐼🦆🐙🐝🦋🐌🐞🐜🦂🐢🐍🦎🦖🦕",
        " leading and trailing ",
        "plinth" * 3 + " quartz" * 9,
        "zebra umbrella " * 60,
        "948271635028374651",
    ],
)
def test_any_signs_will_do_when_there_are_fifteen(password: str) -> None:
    assert why_weak(password, name="ada", second_factor=False) == ""


@pytest.mark.parametrize(("second_factor", "taken"), [(False, False), (True, True)])
def test_a_second_factor_makes_a_shorter_one_good_enough(second_factor: bool, taken: bool) -> None:
    assert (why_weak("vinegar9lamp", name="ada", second_factor=second_factor) == "") is taken
    assert is_short("vinegar9lamp")


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("", "at least 15"),
        ("fourteen signs", "at least 15"),
        ("x" * 1025, "at most 1024"),
        ("aaaaaaaaaaaaaaaaa", "first passwords"),
        ("abababababababab", "first passwords"),
        ("12345678901234567890", "first passwords"),
        ("zyxwvutsrqponmlkj", "first passwords"),
        ("qwertyuiopasdfghjkl", "first passwords"),
        ("passwordpassword", "first passwords"),
        ("Correct-Horse-Battery-Staple", "first passwords"),
        ("Password123456789!", "first passwords"),
        ("floorbroker-2026!", "first passwords"),
        ("margaret-margaret-1", "first passwords"),
        ("trader123trading2026", "first passwords"),
    ],
)
def test_short_and_well_known_ones_are_refused_with_a_reason(password: str, told: str) -> None:
    assert told in why_weak(password, name="margaret", second_factor=False)


def test_what_is_kept_fits_its_password_alone_and_shows_nothing_of_it() -> None:
    kept, again = FAST.keep("vinegar lamp orbit"), FAST.keep("vinegar lamp orbit")
    assert FAST.fits("vinegar lamp orbit", kept)
    assert not FAST.fits("vinegar lamp orbits", kept)
    assert kept != again  # a salt of its own
    assert "vinegar" not in kept


def test_the_same_signs_fit_however_a_keyboard_made_them() -> None:
    assert FAST.fits("caf\u00e9 lamp orbit moss", FAST.keep("cafe\u0301 lamp orbit moss"))


@pytest.mark.parametrize("kept", ["", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$", "$scrypt$ln=1$a$b"])
def test_what_was_never_kept_fits_nothing(kept: str) -> None:
    assert not FAST.fits("vinegar lamp orbit", kept)
    assert FAST.is_outdated(kept) is not kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_the_defaults_are_not_below_the_floor_and_smaller_ones_are_outdated() -> None:
    assert (Argon2().memory_kib >= 19 * 1024, Argon2().iterations >= 2) == (True, True)
    assert Argon2().is_outdated(FAST.keep("x"))
    assert not FAST.is_outdated(FAST.keep("x"))
