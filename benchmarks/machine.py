"""Where figures were measured: machine, versions, file system, and what a durable write costs there."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.environments import ROOT

SYNCS = 200


def described() -> dict[str, object]:
    """The machine as the page of results shows it."""
    folder = ROOT / ".tools"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "file_system": _file_system(folder),
        "sync_ms": sync_ms(folder),
        "load": [round(part, 2) for part in os.getloadavg()],
        "commit": _commit(),
    }


def sync_ms(folder: Path) -> dict[str, float]:
    """What `fdatasync` after 4 KiB costs in this folder, in milliseconds: the least any durable order pays."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        number = file.fileno()
        for _ in range(SYNCS):
            os.pwrite(number, bytes(4096), 0)
            began = time.perf_counter()
            os.fdatasync(number)
            times.append((time.perf_counter() - began) * 1000)
    ranked = sorted(times)
    return {"p50": round(statistics.median(ranked), 3), "p99": round(ranked[len(ranked) * 99 // 100], 3)}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: Path) -> str:
    """The type of the file system that holds `folder`."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "not known"
    mounts = [line.split()[1:3] for line in lines]
    holding = [(place, kind) for place, kind in mounts if folder.is_relative_to(place)]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else "not known"


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "not known"
