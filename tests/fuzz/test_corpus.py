"""Every committed input, and a few thousand near them: what is raised is declared, and what is made is bounded.

The inputs follow from a number, so a red line names the one that broke: `mutated input 1734 of journal`.
"""

from __future__ import annotations

import re
import tracemalloc
from random import Random

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.target import CORPUS, Target
from tests.fuzz.targets import TARGETS
from tests.fuzz.targets.ibkr_web import CALLS

MUTATED = 2_000
PEAK, PEAK_PER_BYTE = 4 * 1024 * 1024, 200  # bytes one input may take while it is read
MADE, MADE_PER_BYTE = 64 * 1024, 40  # characters of what is made of it

targets = pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)


def near(target: Target, number: int, seeds: list[bytes]) -> bytes:
    """The mutated input of that number."""
    random = Random(f"{target.name} {number}")
    data = mutated(random.choice(seeds), donors=seeds, random=random, max_len=target.max_len)
    return target.repair(data) if random.random() < 0.5 else data


def run(target: Target, data: bytes, name: str) -> object:
    """What an input makes; whatever breaks is told by the name of the input."""
    try:
        return target.run(data)
    except Exception as error:
        error.add_note(f"{name} of {target.name}: {data[:2_000]!r}")
        raise


@targets
def test_the_committed_inputs_raise_nothing_undeclared_i24(target: Target) -> None:
    for path in sorted((CORPUS / target.name).iterdir()):
        run(target, path.read_bytes(), path.name)


@targets
def test_thousands_of_inputs_near_them_raise_nothing_undeclared_i24(target: Target) -> None:
    seeds = target.seeds()
    for number in range(MUTATED):
        run(target, near(target, number, seeds), f"mutated input {number}")


@targets
def test_an_input_takes_and_makes_no_more_than_its_size_allows_i24(target: Target) -> None:
    seeds = target.seeds()
    target.run(seeds[0])  # what is loaded once is no input's doing
    for number, data in enumerate([*seeds, *(near(target, number, seeds) for number in range(100))]):
        tracemalloc.start()
        try:
            made = target.run(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak <= PEAK + PEAK_PER_BYTE * len(data), f"{peak} bytes for input {number} of {len(data)} bytes"
        assert len(repr(made)) <= MADE + MADE_PER_BYTE * len(data), f"input {number} of {len(data)} bytes grew"


@targets
def test_an_untouched_message_is_read_to_its_end(target: Target) -> None:
    """A corpus that only ever meets the first check proves nothing about the code behind it."""
    made = [target.run(data) for data in target.seeds()]
    assert sum(not isinstance(value, Exception | None | str) for value in made) * 3 > len(made)


ENDS = {  # seeds that end with an error, each with the one it is named after; every other seed runs to its end
    "alpaca_replies": {
        "cancel_refused", "modify_infinite", "modify_signalling", "status_not_found", "submit_page", "submit_refused",
        "submit_twice", "too_many",
    },
    "binance_replies": {"broken", "half", "refused"},
    "bybit_replies": {"html", "refused", "unknown"},
    "ibkr_web_replies": {
        "no_bridge", "not_ready", "penalty", "strike_that_is_no_number", "submit_declined", "submit_for_ever", "submit_lost",
        "submit_prompt", "submit_refused", "submit_twice",
    },
    "kraken_replies": {"html", "nonce", "refused"},
    "oanda_replies": {
        "cancel_gone", "connect_mt4", "modify_monstrous", "status_absent", "status_html", "submit_other", "submit_page",
        "submit_refused",
    },
    "polygon_replies": {"nobody", "number-that-is-none", "refused"},
    "tradier_replies": {"quote_none", "submit_fault", "submit_plain", "submit_refused"},
    "upstox_replies": {"gone", "gtt_cancel_refused", "submit_refused"},
}  # fmt: skip
BESIDE = {  # replies whose failure changes nothing of what is made
    ("ibkr_web_replies", "chain_by_strike", 3),
    ("kraken_replies", "validate", 1),
}


def of_replies(name: str) -> list[tuple[str, bytes]]:
    """The seeds of a target of replies."""
    return [(path.name, path.read_bytes()) for path in sorted((CORPUS / name).iterdir())]


def told(made: object) -> str:
    """What was made, without where it lies in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(made))


def test_every_target_of_replies_says_which_seeds_end_with_an_error() -> None:
    assert set(ENDS) == {name for name in TARGETS if name.endswith("_replies")}


@pytest.mark.parametrize("name", ENDS)
def test_every_seed_of_replies_runs_to_its_end_but_those_that_are_meant_to_end_sooner(name: str) -> None:
    """A seed that ends at its first reply by mistake lets no mutation reach the code behind it."""
    made = {seed: TARGETS[name].run(data) for seed, data in of_replies(name)}
    assert {
        seed: error for seed, error in made.items() if isinstance(error, Exception) and seed not in ENDS[name]
    } == {}
    assert {seed for seed, value in made.items() if isinstance(value, Exception)} == ENDS[name]


@pytest.mark.parametrize("name", ENDS)
def test_every_reply_of_a_seed_is_read(name: str) -> None:
    target, unread = TARGETS[name], set[tuple[str, str, int]]()
    for seed, data in of_replies(name):
        if seed in ENDS[name]:
            continue
        word, *lines = data.split(b"\n")
        made = told(target.run(data))
        for index in range(len(lines)):
            broken = b"\n".join([word, *lines[:index], b"500 {}", *lines[index + 1 :]])
            if told(target.run(broken)) == made:
                unread.add((name, seed, index + 1))
    assert unread == {beside for beside in BESIDE if beside[0] == name}


WEB_API = TARGETS["ibkr_web_replies"]


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_call_of_the_web_api_makes_something_of_its_input(name: str) -> None:
    made = WEB_API.run((CORPUS / WEB_API.name / name).read_bytes())
    assert not isinstance(made, Exception), made
    assert repr(WEB_API.run(f"{name}\n500 {{}}".encode())) != repr(made), "it reads nothing of its input"


def test_questions_of_the_web_api_get_their_yes_and_no_more_than_twenty() -> None:
    asked, for_ever = (WEB_API.run((CORPUS / WEB_API.name / f"submit_{n}").read_bytes()) for n in ("asked", "for_ever"))
    assert not isinstance(asked, Exception), asked
    assert "more than 20 questions" in str(for_ever)


def test_every_corpus_folder_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
