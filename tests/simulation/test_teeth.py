"""Each planted bug is caught, near the seed where it was last caught, and none of them is left behind."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest

from tests.simulation.claims import Violation
from tests.simulation.house import Plant
from tests.simulation.plan import plan_of
from tests.simulation.run import run
from tests.simulation.schedule import Plan
from tests.simulation.teeth.bug import BOUND, Bug, Wants, anything
from tests.simulation.teeth.catalogue import BY_NAME, CATALOGUE
from tests.simulation.teeth.hunt import Catch, hunt
from tests.simulation.teeth.ports import becomes
from tests.simulation.teeth.table import PAGE, page, recorded
from tests.simulation.worlds import ALPACA

ASKED_FOR = 16
SOME = 40  # schedules played from the remembered seed on


@pytest.fixture(autouse=True)
def _kept_clean() -> Iterator[None]:
    """Frozen nodes are garbage that only a collection finds; it is cheap when all that stays is out of its sight."""
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@lru_cache(maxsize=1)
def _honest_digest() -> str:
    return _digest()


def _digest() -> str:
    report = run(plan_of(17, ALPACA.name), fingerprint=True)
    assert report.violations == []
    return report.digest


@pytest.mark.parametrize("name", BY_NAME)
def test_a_planted_bug_is_caught_and_leaves_nothing_behind(name: str) -> None:
    before = _honest_digest()
    catch = hunt(BY_NAME[name], first=recorded()[name].seed, most=SOME)
    assert catch is not None, "the schedules have changed: make teeth TABLE=docs/reference/planted-bugs.md"
    assert _digest() == before


BITTEN = Plant(desk=lambda desk: None)
WRONG = Violation("wrong", "something")


def _bug(wants: Wants = anything) -> Bug:
    return Bug(name="x", what="X.", breaks="I1", plant=BITTEN, wants=wants, bound=50)


def _shown_by(*seeds: int, honest: tuple[int, ...] = ()) -> Callable[[Plan, Plant], list[Violation]]:
    """A world in which these seeds show the bug, and some show something anyway."""

    def play(plan: Plan, plant: Plant) -> list[Violation]:
        return [WRONG] if plan.seed in (seeds if plant is BITTEN else honest) else []

    return play


def test_a_hunt_ends_at_the_first_seed_that_shows_the_bug() -> None:
    assert hunt(_bug(), play=_shown_by(4, 7)) == Catch(seed=4, played=4, violation=WRONG)


def test_a_seed_that_is_wrong_without_the_bug_proves_nothing() -> None:
    assert hunt(_bug(), play=_shown_by(4, 7, honest=(4,))) == Catch(seed=7, played=7, violation=WRONG)


def test_a_bug_is_given_up_at_its_bound_or_after_as_many_schedules_as_it_may_have() -> None:
    assert hunt(_bug(), play=_shown_by(51)) is None
    assert hunt(_bug(), play=_shown_by(4), most=3) is None
    assert hunt(_bug(), play=_shown_by(9), first=5, seeds=4) is None


def test_seeds_are_passed_over_whose_plans_do_not_have_what_a_bug_needs() -> None:
    catch = hunt(_bug(wants=lambda plan: plan.seed % 5 == 0), play=_shown_by(*range(50)))
    assert catch == Catch(seed=5, played=1, violation=WRONG)


def test_a_bug_in_a_method_that_is_gone_is_told_instead_of_planted() -> None:
    class Part:
        def now(self) -> int:
            return 1

    class Planted(Part):
        def formerly(self) -> int:
            return 2

    with pytest.raises(LookupError, match="formerly"):
        becomes(lambda desk: desk, Planted)


def test_the_catalogue_is_whole() -> None:
    assert len(BY_NAME) == len(CATALOGUE) >= ASKED_FOR
    for bug in CATALOGUE:
        assert bug.bound == BOUND
        assert re.fullmatch(r"(I\d+(, I\d+)*|RELIABILITY \d+(\.\d+)?)", bug.breaks), bug.breaks
        assert bug.what.endswith(".")
        assert bug.wants is anything or any(bug.wants(plan_of(seed, bug.venue)) for seed in range(1, 2001)), bug.name


def test_every_bug_was_caught_within_its_bound_and_the_page_says_where() -> None:
    caught = recorded()
    assert set(caught) == set(BY_NAME)
    assert all(1 <= caught[bug.name].seed <= bug.bound for bug in CATALOGUE)
    assert PAGE.read_text(encoding="utf-8") == page(caught)
