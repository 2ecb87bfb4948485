"""Says, before the suite runs, what it will leave out on this machine and why.

One line for each thing that is missing and that some test asks for; a thing no test asks for is not mentioned.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """Something a machine may lack: the words in a test that need it, and a probe that says what is missing."""

    needles: tuple[str, ...]
    skipped: str
    missing: Callable[[], str | None]


def folder(variable: str) -> Callable[[], str | None]:
    """A probe for an environment variable that must name a folder."""

    def missing() -> str | None:
        value = os.environ.get(variable)
        if value is None:
            return f"{variable} is not set"
        return None if Path(value).is_dir() else f"{variable} names no folder: {value}"

    return missing


def any_program(*names: str) -> Callable[[], str | None]:
    """A probe for one of several programs on the path."""
    return lambda: None if any(shutil.which(name) for name in names) else f"no {names[0]} on this machine"


def module(name: str) -> Callable[[], str | None]:
    """A probe for an importable package."""
    return lambda: None if importlib.util.find_spec(name) else f"the package {name} is not installed"


def browser() -> str | None:
    """Browser tests drive the system's Chromium."""
    return any_program(*CHROMIUM)()


def process_descriptors() -> str | None:
    """Real processes are watched by file descriptors."""
    return None if hasattr(os, "pidfd_open") else "this system has no pidfd_open (Linux has)"


def mounts() -> str | None:
    """A full disk is a small one that is mounted for it."""
    return None if hasattr(os, "geteuid") and os.geteuid() == 0 else "mounting a tmpfs needs root"


FACILITIES = (
    Facility(
        needles=("FLOORBROKER_DATA", "recorded_data"),
        skipped="tests on recorded market data",
        missing=folder("FLOORBROKER_DATA"),
    ),
    Facility(
        needles=("FLOORBROKER_CONTRACTS", "contracts_dir"),
        skipped="validation against the venues' published specifications",
        missing=folder("FLOORBROKER_CONTRACTS"),
    ),
    Facility(
        needles=("mark.judge",), skipped="tests with a venue's official client (Alpaca)", missing=module("alpaca")
    ),
    Facility(needles=("mark.browser",), skipped="tests of the web page in a browser", missing=browser),
    Facility(
        needles=("mark.live",),
        skipped="tests against a venue's sandbox",
        missing=lambda: "they run only when asked for: pytest -m live",
    ),
    Facility(
        needles=("mark.postgres",), skipped="tests of the PostgreSQL journal", missing=any_program("postgres", "psql")
    ),
    Facility(needles=("pidfd_open",), skipped="tests that kill real processes", missing=process_descriptors),
    Facility(needles=("build_shim",), skipped="tests of failing write calls", missing=any_program("cc")),
    Facility(needles=("tmpfs",), skipped="tests of a disk that fills up", missing=mounts),
    Facility(needles=("floorbroker_book",), skipped="tests of the Rust order book", missing=module("floorbroker_book")),
)


def notices(sources: list[str]) -> list[str]:
    """The lines to print, given the text of every test file."""
    wanted = [f for f in FACILITIES if any(needle in text for needle in f.needles for text in sources)]
    found = [(facility, facility.missing()) for facility in wanted]
    return [f"skipping {facility.skipped}: {why}" for facility, why in found if why is not None]


def main() -> int:
    """Print the notices; never fails, because a missing facility is not a failure."""
    own = {Path(__file__).resolve(), TESTS / "conftest.py", TESTS / "unit" / "test_tidy.py"}
    files = [path for path in sorted(TESTS.rglob("*.py")) if path not in own]
    for line in notices([path.read_text(encoding="utf-8") for path in files]):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
