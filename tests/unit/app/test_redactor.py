"""The last filter: every spelling of a secret, wherever it stands, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import pickle
from collections.abc import Callable
from random import Random
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.app.redactor import STARS, TOKENS_MAX, SecretFilter

KEY = "PKQ7ZT2LV9XW4RN8AHCD"
ODD = "p/a+s \"w&o=r\\d<€>\n'é🔑"  # a character for every encoder to stumble over
SHORT = "VA83-1127"


def _percent_all(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


ENCODINGS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 in a query": lambda s: urlencode({"token": base64.b64encode(s.encode()).decode()}),
    "Basic login as the password": lambda s: base64.b64encode(f"me@home.example:{s}".encode()).decode(),
    "Basic login as the user": lambda s: base64.b64encode(f"{s}:".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
    "hex in capitals": lambda s: s.encode().hex().upper(),
    "hex with colons": lambda s: s.encode().hex(":"),
    "percent where needed": lambda s: quote(s, safe=""),
    "percent in a path": quote,
    "percent in a form": quote_plus,
    "percent throughout": _percent_all,
    "percent throughout in capitals": lambda s: "".join(f"%{byte:02X}" for byte in s.encode()),
    "JSON": json.dumps,
    "JSON with its own characters": lambda s: msgspec.json.encode(s).decode(),
    "JSON with escaped slashes": lambda s: json.dumps(s).replace("/", "\\/"),
    "JSON in JSON": lambda s: json.dumps({"body": json.dumps({"key": s}, ensure_ascii=False)}, ensure_ascii=False),
    "JSON escapes throughout": lambda s: "".join(
        f"\\u{unit:04x}" for unit in memoryview(s.encode("utf-16-le")).cast("H").tolist()
    ),
    "repr of text": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "bytes escaped throughout": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "HTML": html.escape,
    "HTML entities throughout": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "UTF-16": lambda s: s.encode("utf-16-le").decode("latin-1"),
}


def _knowing(*secrets: str) -> SecretFilter:
    known = SecretFilter()
    for secret in secrets:
        known.learn(secret)
    return known


@pytest.mark.parametrize("secret", [KEY, ODD, SHORT], ids=["key", "odd", "short"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_spelling_of_a_secret_passes_wherever_it_stands(encoding: str, secret: str) -> None:
    known, told = _knowing(secret), ENCODINGS[encoding](secret)
    core = told.strip('"').rstrip("=")
    for before in range(9):
        text = f"{'·' * before}{'-' * before} said {told} and more"
        cleaned = known.clean(text)
        assert core not in cleaned, (encoding, before)
        assert STARS in cleaned
        assert cleaned.startswith("·" * before)
        assert cleaned.endswith("and more")


@pytest.mark.parametrize("pad", range(7))
def test_base64_is_found_at_each_place_inside_a_longer_text(pad: int) -> None:
    packed = base64.b64encode(f"{'x' * pad}{KEY}{'y' * (7 - pad)}".encode()).decode()
    cleaned = _knowing(KEY).clean(f"Authorization: Basic {packed}")
    left = "".join(cleaned.removeprefix("Authorization: Basic ").split(STARS))
    assert len(left) <= len(packed) - len(KEY) * 8 // 6


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=15, max_size=60), st.integers(0, 40), st.data())
def test_a_piece_of_fifteen_bytes_is_taken_out_though_the_rest_was_cut_off(
    secret: str, before: int, data: st.DataObject
) -> None:
    raw = secret.encode()
    start = data.draw(st.integers(0, len(raw) - 15))
    piece = raw[start : data.draw(st.integers(start + 15, len(raw)))].decode("utf-8", "ignore")
    text = " " * before + piece
    cleaned = _knowing(secret).clean(text)
    if len(piece.encode()) >= 15:
        assert piece not in cleaned


@given(st.text(max_size=400))
def test_text_without_a_secret_is_returned_as_it_is(text: str) -> None:
    assert _knowing(KEY, ODD, "w7f3").clean(text) == text


@given(st.text(st.sampled_from("ab/+ \\"), min_size=8, max_size=20), st.lists(st.text(max_size=30), max_size=4))
def test_cleaning_twice_changes_nothing_more(secret: str, parts: list[str]) -> None:
    """Of secrets that count wherever they stand; a shorter one counts as a word alone, and stars make words of neighbours."""
    known = _knowing(secret)
    once = known.clean(secret.join(parts))
    assert known.clean(once) == once


def test_text_with_halves_of_characters_passes_unharmed() -> None:
    text = f"bad \ud800 {KEY} \udfff end"
    assert _knowing(KEY).clean(text) == f"bad \ud800 {STARS} \udfff end"


def test_secrets_that_overlap_are_taken_out_together() -> None:
    first, second = "AAAABBBBCCCCDDDDEEEE", "DDDDEEEEFFFFGGGGHHHH"
    assert _knowing(first, second).clean("<AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH>") == f"<{STARS}>"


def test_a_secret_inside_another_leaves_nothing_of_the_longer_one() -> None:
    assert _knowing("hunter22", "hunter22-and-the-rest-of-it").clean("(hunter22-and-the-rest-of-it)") == f"({STARS})"


def test_a_short_secret_counts_only_as_a_word_of_its_own() -> None:
    known = _knowing("paper")
    assert known.clean("pin paper, newspaper") == f"pin {STARS}, newspaper"


def test_a_short_secret_inside_a_basic_login_is_found() -> None:
    packed = base64.b64encode(b"me:w7f3x").decode()
    assert packed[-6:-1] not in _knowing("w7f3x").clean(packed)


def test_fewer_than_four_characters_are_not_learned() -> None:
    assert _knowing("abc", "").clean("abc abcd") == "abc abcd"


def test_a_secret_learned_later_is_taken_out_of_texts_seen_before() -> None:
    known = _knowing(KEY)
    assert known.clean("host/later-secret-1234") == "host/later-secret-1234"
    known.learn("later-secret-1234")
    assert known.clean("host/later-secret-1234") == f"host/{STARS}"


def test_a_reply_is_cleaned_of_all_but_what_its_data_may_look_like() -> None:
    known = _knowing(KEY, SHORT, "w7f3", "20261120", "paper")
    told = f'{{"a":"{KEY}","b":"{SHORT}","c":20261120,"d":"paper w7f3"}}'
    assert known.clean_reply(told.encode()) == b'{"a":"***","b":"***","c":20261120,"d":"paper w7f3"}'


@pytest.mark.parametrize("before", ["\n", "\t", '"', "\\", "\\n", "é", "x", "é\n", "/"])
@pytest.mark.parametrize("encode", [str, lambda s: base64.b64encode(s.encode()).decode(), lambda s: s.encode().hex()])
def test_what_was_json_stays_json(before: str, encode: Callable[[str], str]) -> None:
    for secret in (KEY, ODD * 2, "e9e9e9e9e9e9e9e9e9e9", "nnnnnnnnnnnnnnnnnnnn", "\\u00e9\\u00e9\\u00e9\\u00e9"):
        for ascii_only in (True, False):
            text = json.dumps({"a": f"{before}{encode(secret)}{before}"}, ensure_ascii=ascii_only)
            cleaned = json.loads(_knowing(secret).clean_reply(text.encode()))
            assert STARS in cleaned["a"]
            assert encode(secret) not in cleaned["a"]


def test_what_was_rotated_out_stays_known() -> None:
    known = _knowing(KEY)
    known.learn("the-key-that-came-after-it")
    assert KEY not in known.clean(f"old {KEY}")


def _size(secrets: SecretFilter) -> tuple[int, ...]:
    return len(secrets._numbers), len(secrets._secrets)  # noqa: SLF001 - what is held is the point


def test_of_tokens_for_one_connection_the_newest_are_known_and_no_more_is_kept_than_of_them() -> None:
    random, secrets = Random(5), SecretFilter()
    secrets.learn(KEY)
    tokens = [random.randbytes(24).hex() for _ in range(TOKENS_MAX + 3)]
    for token in tokens[:TOKENS_MAX]:
        secrets.learn_token(token)
    full = _size(secrets)
    for token in tokens[TOKENS_MAX:]:
        secrets.learn_token(token)
    assert _size(secrets) == pytest.approx(full, rel=0.02)
    assert all(secrets.clean(f"token={token}") == f"token={STARS}" for token in tokens[3:])
    assert secrets.clean(tokens[0]) == tokens[0]
    assert secrets.clean(KEY) == STARS


def test_a_token_that_is_a_secret_as_well_stays_known() -> None:
    secrets, token = SecretFilter(), "0123456789abcdef0123456789abcdef"
    secrets.learn_token(token)
    secrets.learn(token)
    for number in range(TOKENS_MAX + 1):
        secrets.learn_token(f"{number:032x}")
    secrets.learn_token(token)
    assert secrets.clean(token) == STARS


def test_long_texts_are_searched_to_their_end() -> None:
    filler = "".join(Random(5).choice("abcdefghijklmnop {}:,") for _ in range(50_000))
    cleaned = _knowing(KEY).clean(f"{filler}{KEY}{filler}{KEY}")
    assert cleaned == f"{filler}{STARS}{filler}{STARS}"


def test_a_secret_that_repeats_itself_costs_no_more_than_its_length() -> None:
    assert _knowing("a" * 40).clean("a" * 100_000) == STARS


def test_the_filter_itself_shows_nothing_of_what_it_knows() -> None:
    known = _knowing(KEY)
    assert KEY not in repr(known)
    assert KEY not in str(known)
    with pytest.raises(TypeError):
        pickle.dumps(known)
