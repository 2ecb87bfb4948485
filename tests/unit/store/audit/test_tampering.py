"""Whatever is changed, removed, put in another order, inserted or cut off is found, at the first bad record (I22)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.store.audit.evidence import Finding
from tests.unit.store.audit.tampering import World, made, play, with_everything, with_the_first_key

pytestmark = pytest.mark.asyncio
CASES = 700


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made_world = await made(tmp_path)
    yield made_world
    made_world.reader.close()


@pytest.mark.parametrize("judge", [with_everything, with_the_first_key])
async def test_i22_all_tampering_is_found_and_the_first_bad_record_is_named(
    world: World, judge: Callable[[World], Finding | None]
) -> None:
    tally = play(world, cases=CASES, seed=1, judge=judge)
    assert (tally.missed, tally.misnamed) == ([], [])
    assert tally.cases.total() > CASES - 20
    assert len(tally.cases) == 7
    assert with_everything(world) is None


def without_macs(world: World) -> Finding | None:
    """It believes what the records say of themselves."""
    return world.desk.verify(first=None).finding


def without_an_end(world: World) -> Finding | None:
    """It does not ask how long the chain was."""
    held = world.desk.places.key.read_bytes()
    world.desk.places.key.unlink()
    finding = world.desk.verify().finding
    world.desk.places.key.write_bytes(held)
    return finding


@pytest.mark.parametrize("weak", [without_macs, without_an_end])
async def test_a_verifier_that_leaves_something_out_is_caught_by_the_same_cases(
    world: World, weak: Callable[[World], Finding | None]
) -> None:
    tally = play(world, cases=210, seed=1, judge=weak)
    assert tally.missed or tally.misnamed
