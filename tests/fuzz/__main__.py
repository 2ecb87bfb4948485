"""Fuzz every target, one process each, and say one line a target: `python -m tests.fuzz --runs 500000 [--target NAME]`.

A finding is saved under `.tools/fuzz-findings`, with the command that plays it again, and makes the exit code 1.  The same
runs and the same seed are the same inputs.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.target import CORPUS
from tests.fuzz.targets import TARGETS
from tests.fuzz.watch import WALL_S

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = ROOT / ".tools" / "fuzz-findings"
MEMORY_MB = 512
COVERED = re.compile(r"DONE\s+cov: (\d+)")


def fuzz(name: str, *, runs: int, seed: int) -> bool:
    """Fuzz one target; whether nothing was found."""
    began, prefix = time.monotonic(), f"{FINDINGS}/{name}-"
    with tempfile.TemporaryDirectory(prefix="floorbroker-fuzz-") as folder:
        command = [
            sys.executable, "-m", "tests.fuzz.deep", name, f"-runs={runs}", f"-seed={seed}", f"-timeout={WALL_S}",
            f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={prefix}", "-print_final_stats=1", folder, str(CORPUS / name),
        ]  # fmt: skip
        known = set(FINDINGS.glob(f"{name}-*"))
        ended = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, errors="replace", check=False
        )
    found = sorted(set(FINDINGS.glob(f"{name}-*")) - known)
    count = max(len(found), int(ended.returncode != 0))
    say(line_of(name, ended.stderr, crashes=count, seconds=time.monotonic() - began))
    if count:
        say(told(name, ended.stdout + ended.stderr, found))
    return not count


def environment() -> Mapping[str, str]:
    """The hashes of text are the same in every run, so that a seed names its inputs."""
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}


def line_of(name: str, log: str, *, crashes: int, seconds: float) -> str:
    """The line a target ends with.  `runs` is what libFuzzer counted, not what was asked for."""
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    covered = COVERED.search(log)
    runs = executed[1] if executed else "0"
    return f"fuzz {name} runs {runs} crashes {crashes} seconds {seconds:.1f} covered {covered[1] if covered else '-'}"


def told(name: str, log: str, found: list[Path]) -> str:
    """What a person needs of a finding: how it broke, where its input is, how to see it again."""
    lines = log.splitlines()
    start = next(
        (i for i, line in enumerate(lines) if "Uncaught Python exception" in line or "ERROR: libFuzzer" in line), -30
    )
    shown = [line[:400] for line in lines[start:][:40]]
    again = [f"replay: {sys.executable} -m tests.fuzz --target {name} --replay {path}" for path in found]
    return "\n".join([*shown, *again])


def replay(name: str, path: Path) -> None:
    """One input, without atheris: its result, or its traceback."""
    say(repr(TARGETS[name].run(path.read_bytes()))[:2_000])


def say(text: str) -> None:
    """One line, or several, at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--replay", type=Path)
    asked = parser.parse_args()
    if asked.replay:
        replay(asked.target or asked.replay.name.partition("-")[0], asked.replay)
        return 0
    if find_spec("atheris") is None:
        say(
            "fuzz: atheris is built for Linux on x86-64 and CPython 3.11 to 3.13; `make test` replays the corpus anywhere"
        )
        return 2
    FINDINGS.mkdir(parents=True, exist_ok=True)
    names = [asked.target] if asked.target else list(TARGETS)
    clean = [
        fuzz(name, runs=asked.runs, seed=asked.seed) for name in names
    ]  # a finding does not hide the next target's
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
