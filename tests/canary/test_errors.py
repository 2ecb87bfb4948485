"""Errors with a secret in them, raised in every part of a desk: nothing that comes out shows one.

Two thousand five hundred in a common run; `make canary` raises ten thousand.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.canary.errors import Case, cases
from tests.canary.house import House, opened
from tests.canary.scanner import Hit
from tests.canary.sites import SITES

CASES = int(os.environ.get("FLOORBROKER_CANARY_CASES", "2500"))
SEED = int(os.environ.get("FLOORBROKER_CANARY_SEED", "1"))
BATCH = 250


async def play(house: House, given: list[Case], seed: int) -> tuple[list[Hit], Counter[str]]:
    """Raise each error at one site; what was seen of any, and how often each site was visited."""
    random, visited = Random(seed), Counter[str]()
    sites, weights = list(SITES), list(SITES.values())
    found: list[Hit] = []
    for case in given:
        (site,) = random.choices(sites, weights)
        visited[site.__name__] += 1
        await site(house, case)
        if case.number % BATCH == BATCH - 1:
            found += house.look()
    await house.session.ctx.writer.idle()
    house.heard("metrics", house.meter.render().decode())
    return found + house.look(), visited


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio
async def test_no_error_shows_a_secret_anywhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        found, visited = await play(house, cases(CASES, SEED), SEED)
    found += house.scanner.look_into(house.home.root)
    assert [str(hit) for hit in found] == []
    assert len(visited) == len(SITES), visited
    assert house.scanner.seen_bytes > CASES * 500, house.scanner.seen_bytes
