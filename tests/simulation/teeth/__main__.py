"""`python -m tests.simulation.teeth`: plants every bug and hunts it; ends with `planted N caught N`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.simulation.teeth.catalogue import BY_NAME, CATALOGUE
from tests.simulation.teeth.hunt import Catch, hunt
from tests.simulation.teeth.table import keep, page
from tests.simulation.worlds import ALL, WORLDS


def main() -> int:
    """Exit code 1 when a bug lives."""
    options = _options()
    names = [bug.name for bug in CATALOGUE if options.only is None or options.only in bug.name]
    caught: dict[str, Catch] = {}
    for name, catch in _hunted(names, venue=options.venue, jobs=options.jobs, first=options.seed, most=options.most):
        say(_told(name, catch))
        if catch is None:
            continue
        caught[name] = catch
        if options.table is not None and options.venue is None:  # at once: a hunt broken off has caught something
            options.table.write_text(page(keep(caught)), encoding="utf-8")
    say(f"planted {len(names)} caught {len(caught)}")
    return 0 if len(caught) == len(names) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.teeth", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes hunt at once")
    parser.add_argument("--venue", choices=[ALL, *sorted(WORLDS)], help="hunt at this venue instead of each bug's own")
    parser.add_argument("--only", help="bugs whose name holds this text")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--most", type=int, help="give a bug up after so many schedules")
    parser.add_argument(
        "--table", type=Path, help="write the page of the docs there, and the seeds that tests begin at"
    )
    return parser.parse_args()


def _hunted(
    names: list[str], *, venue: str | None, jobs: int, first: int, most: int | None
) -> Iterator[tuple[str, Catch | None]]:
    """As they end."""
    with ProcessPoolExecutor(max_workers=jobs, initializer=gc.freeze) as pool:
        running = {pool.submit(_hunt, name, venue, first, most): name for name in names}
        for done in as_completed(running):
            yield running[done], done.result()


def _hunt(name: str, venue: str | None, first: int, most: int | None) -> Catch | None:
    catch = hunt(BY_NAME[name], venue=venue, first=first, most=most)
    gc.collect()  # frozen nodes are garbage that only a collection finds
    return catch


def _told(name: str, catch: Catch | None) -> str:
    if catch is None:
        return f"{name}: NOT CAUGHT in {BY_NAME[name].bound} seeds"
    return f"{name}: seed {catch.seed}, {catch.played} played: {catch.violation}"


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
