"""The native core as a crate: its own tests, its format and its lints, wherever cargo is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from floorbroker.marketdata.native import core

CRATE = Path(__file__).resolve().parents[3] / "rust" / "book"
CARGO = shutil.which("cargo")
needs_cargo = pytest.mark.skipif(CARGO is None, reason="cargo is not installed, so the native core is not built here")


def cargo(*words: str) -> str:
    """What cargo says; it fetches nothing that the lock does not name."""
    assert CARGO is not None
    command = [CARGO, *words]
    done = subprocess.run(command, cwd=CRATE, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_cargo
def test_the_core_is_installed_wherever_it_can_be_built() -> None:
    """Otherwise half of the tests of books would be skipped unseen."""
    if core() is None and not os.environ.get("CI"):
        pytest.skip("floorbroker_book is not installed: make native")
    assert core() is not None


@needs_cargo
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tests_of_the_crate_pass() -> None:
    assert "test result: ok" in cargo("test", "--locked", "--no-default-features")


@needs_cargo
@pytest.mark.parametrize(
    "words", [("fmt", "--check"), ("clippy", "--quiet", "--locked", "--all-targets", "--", "-D", "warnings")]
)
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_crate_is_formatted_and_lints_clean(words: tuple[str, ...]) -> None:
    if shutil.which(f"cargo-{words[0]}") is None:
        pytest.skip(f"cargo-{words[0]} is not installed")
    cargo(*words)
