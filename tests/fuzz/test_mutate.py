"""The mutations themselves: repeatable, bounded, and near enough to what they come from to be read."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.fuzz.grammar import parsed, written
from tests.fuzz.mutate import mutated
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.fuzz.targets.http_reply import fitting

SEED = b'order 200 {"id":"a","qty":"3","legs":[{"id":"b","qty":1.50}],"at":null}\nlast'


def drawn(count: int) -> list[bytes]:
    random = Random(7)
    return [mutated(SEED, donors=[SEED, b'x {"other":[1,2]}'], random=random, max_len=200) for _ in range(count)]


def test_a_seed_names_its_inputs() -> None:
    assert drawn(200) == drawn(200)


def test_no_input_is_longer_than_asked_and_few_are_alike() -> None:
    inputs = drawn(2_000)
    assert max(map(len, inputs)) == 200
    assert len(set(inputs)) > 1_000


def test_most_documents_can_still_be_parsed() -> None:
    bodies = [data.split(b"\n")[0].partition(b" 200 ")[2] for data in drawn(1_000)]
    assert sum(is_json(body) for body in bodies) > 400


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


@pytest.mark.parametrize(
    "text", [b'{"a":1.50,"a":[],"b":{"c":null}}', b'[true,false,"x",1e400,NaN]', b'"\\ud800"', b"-0"]
)
def test_a_document_is_written_as_it_was_read(text: bytes) -> None:
    assert written(parsed(text)) == text


def test_a_repaired_reply_announces_the_body_it_has() -> None:
    assert (
        fitting(b"\x01HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        == b"\x01HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    )


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_an_undeclared_error_is_a_finding_and_a_declared_one_is_an_answer(target: Target) -> None:
    def broken(data: bytes) -> object:
        raise (target.declared[0]("no") if data and target.declared else ZeroDivisionError("no"))

    spoilt = Target(name=target.name, one_input=broken, declared=target.declared)
    with pytest.raises(ZeroDivisionError):
        spoilt.run(b"")
    if target.declared:
        assert isinstance(spoilt.run(b"x"), target.declared)
