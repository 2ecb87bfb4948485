"""Each kind of failing write call under a real desk (I2, I15, I19; RELIABILITY 10): a sample here, every call by `make disk`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.process.disk.failing import Fault, build_shim, run_all
from tests.process.nursery import Nursery

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux: processes are watched by file descriptors"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for the shim"),
]
CALLS = range(1, 201, 40)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(preload=build_shim(tmp_path_factory.mktemp("shim"))) as made:
        yield made


@pytest.mark.parametrize("kind", ["full", "sync", "write"])
def test_a_write_call_that_fails_loses_nothing_acknowledged_and_ends_as_documented(kind: str, nursery: Nursery) -> None:
    faults = [Fault(kind=kind, call=call + 20 * (not warm), warm=warm) for call in CALLS for warm in (False, True)]
    outcomes = list(run_all(faults, nursery))
    assert [str(outcome) for outcome in outcomes if not outcome.is_clean] == []
    if kind == "full":
        lived = [outcome.met for outcome in outcomes if outcome.status is None]
        assert any(met.startswith("journal-") for met in lived)  # a disk that fills up while the desk runs is survived
