"""The names at the top are there, and importing the package costs nothing."""

from __future__ import annotations

import subprocess
import sys

import floorbroker


def test_every_name_at_the_top_can_be_had() -> None:
    assert all(getattr(floorbroker, name) is not None for name in floorbroker.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(floorbroker, "NoSuchName")


def test_importing_the_package_loads_no_library() -> None:
    code = "import sys, floorbroker; print(sorted(m for m in sys.modules if m in {'pydantic', 'aiohttp', 'fastapi', 'msgspec'}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
