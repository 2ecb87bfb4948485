"""`python -m tests.simulation --schedules N --seed S`: many schedules on every core, one line of result, and for each
failure the seed, the plan and a smaller plan that fails as well."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

from floorbroker.domain.steps import DESK
from tests.simulation import plan_file
from tests.simulation.cells import table
from tests.simulation.claims import KINDS, MORE
from tests.simulation.coverage import at_venue, faults_table
from tests.simulation.fleet import Played, default_jobs, play_all
from tests.simulation.footsteps import steps_table
from tests.simulation.plan import plan_of
from tests.simulation.run import Report, run
from tests.simulation.schedule import Plan
from tests.simulation.shrink import Shrinker
from tests.simulation.visits import JUDGED, lacks, page, share
from tests.simulation.worlds import ALL, NAMED


def main() -> int:
    """Exit code 1 when any promise was broken."""
    options = _options()
    if options.replay is not None:
        return _replay(plan_of(options.replay, options.venue), verbose=options.verbose)
    if options.plan is not None:
        return _replay(plan_file.read(options.plan), verbose=options.verbose)
    if options.shrink is not None:
        return _shrink(options.shrink, options.venue, save=options.save)
    if options.digests:
        seeds = range(options.seed, options.seed + options.digests)
        return _digests(seeds, venue=options.venue, jobs=options.jobs)
    if options.fingerprints:
        seeds = range(options.seed, options.seed + options.fingerprints)
        return _fingerprints(seeds, venue=options.venue, jobs=options.jobs)
    return _many(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="how many seeds to play")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--venue", choices=[ALL, *sorted(NAMED)], help="play them at one venue, or at all at once")
    parser.add_argument("--jobs", type=int, default=default_jobs(), help="worker processes")
    parser.add_argument("--replay", type=int, metavar="SEED", help="play one seed and tell everything")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="play a saved plan and tell everything")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make the plan of a failing seed small")
    parser.add_argument("--save", type=Path, metavar="FILE", help="with --shrink, keep the small plan here")
    parser.add_argument("--digests", type=int, default=0, metavar="N", help="play N seeds twice and compare digests")
    parser.add_argument("--fingerprints", type=int, default=0, metavar="N", help="tell the digests of N seeds")
    parser.add_argument("--coverage", action="store_true", help="tell what was visited and what struck")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write what was visited as a page of the docs")
    parser.add_argument("--verbose", action="store_true", help="with --replay and --plan, the log as well")
    return parser.parse_args()


def _many(options: argparse.Namespace) -> int:
    began = perf_counter()
    found, cells, struck = Counter[str](), Counter[tuple[str, str, str]](), Counter[tuple[str, str]]()
    reached, met = Counter[str](), Counter[tuple[str, str]]()
    orders = kills = 0
    cpu_s, failed = 0.0, list[Played]()
    at = Counter[str]()
    seeds = range(options.seed, options.seed + options.schedules)
    for played in play_all(seeds, venue=options.venue, jobs=options.jobs):
        at[played.venue] += 1
        orders, kills, cpu_s = orders + played.orders, kills + played.kills, cpu_s + played.cpu_s
        found.update(violation.kind for violation in played.violations)
        cells.update(played.cells)
        struck.update(played.struck)
        reached.update(played.reached)
        met.update(played.met)
        if played.violations:
            failed.append(played)
            _tell(played)
    if failed:
        _shrink(failed[0].seed, failed[0].venue, save=None)
    if options.coverage:
        for venue in JUDGED:
            say(f"{venue}\n{table(at_venue(cells, venue), venue)}")
        say(faults_table(struck))
        say(steps_table(reached, met))
    if options.page is not None:
        run_of = f"{options.schedules:,} schedules from seed {options.seed}"
        options.page.write_text(page(cells, struck, reached, met, run=run_of), encoding="utf-8")
    missing = lacks(cells, reached, met, schedules=at, orders=orders)
    for text in missing:
        say(f"coverage: {text}")
    counts = " ".join(f"{kind} {found[kind]}" for kind in KINDS)
    say(
        f"schedules {options.schedules} {counts} orders {orders} kills {kills} seconds {perf_counter() - began:.1f} "
        f"{' '.join(f'{kind} {found[kind]}' for kind in MORE)} "
        f"schedules_a_second_a_core {options.schedules / max(cpu_s, 1e-9):.1f} cells {share(cells)} "
        f"steps {len(reached)}/{len(DESK)} venues {' '.join(f'{name}:{at[name]}' for name in sorted(at))}"
    )
    return 1 if found or missing else 0


def _replay(plan: Plan, *, verbose: bool) -> int:
    report = run(plan, fingerprint=True)
    say(str(report.plan))
    if verbose:
        say("\n".join(report.log))
    _tell_report(report)
    say(f"digest {report.digest} steps {report.steps}")
    return 1 if report.violations else 0


def _shrink(seed: int, venue: str | None, *, save: Path | None) -> int:
    """Print the smallest plan found.  Exit code 1 when the seed breaks a promise, as for a replay."""
    shrinker = Shrinker()
    small = shrinker.shrink(plan_of(seed, venue))
    report = run(small)
    say(f"the smallest plan of seed {seed} that fails, after {shrinker.runs} runs:")
    say(str(small))
    _tell_report(report)
    if save is not None:
        plan_file.save(small, save)
        say(f"  replay: python -m tests.simulation --plan {save} --verbose")
    return 1 if report.violations else 0


def _digests(seeds: range, *, venue: str | None, jobs: int) -> int:
    """Every seed twice, the second time in another process with other hashes."""
    first = [f"{played.seed} {played.digest}" for played in play_all(seeds, venue=venue, jobs=jobs, fingerprint=True)]
    again = [sys.executable, "-m", "tests.simulation", "--fingerprints", str(len(seeds)), "--seed", str(seeds.start)]
    again += [] if venue is None else ["--venue", venue]
    env = {**os.environ, "PYTHONHASHSEED": str(1 + hash("other") % 1000)}
    done = subprocess.run([*again, "--jobs", str(jobs)], env=env, capture_output=True, text=True, check=True)
    differ = [one for one, other in zip(first, done.stdout.splitlines(), strict=True) if one != other]
    for line in differ:
        say(f"seed {line.partition(' ')[0]} gave two journals")
    say(f"digests {len(first)} equal {len(first) - len(differ)}")
    return 1 if differ else 0


def _fingerprints(seeds: range, *, venue: str | None, jobs: int) -> int:
    for played in play_all(seeds, venue=venue, jobs=jobs, fingerprint=True):
        say(f"{played.seed} {played.digest}")
    return 0


def _tell(played: Played) -> None:
    for violation in played.violations:
        say(f"seed {played.seed} {violation}")
    say(str(plan_of(played.seed, played.venue)))
    say(f"  replay: python -m tests.simulation --replay {played.seed} --venue {played.venue} --verbose")


def _tell_report(report: Report) -> None:
    for violation in report.violations:
        say(f"seed {report.plan.seed} {violation}")


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
