"""Where reports are kept: the newest under its own name, all of them dated beside it; and their schema."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.research.outliers import OutlierScan
from floorbroker.research.sectors import SectorReport

Report = SectorReport | OutlierScan
NAMES: Mapping[type[Any], str] = {SectorReport: "sector_report", OutlierScan: "outliers"}


def encoded(report: msgspec.Struct) -> bytes:
    """The bytes of a report: the same report, the same bytes."""
    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=2) + b"\n"


def keep(report: Report, folder: Path) -> Path:
    """Write it as the newest, and dated: `sector_reports/DAY-UNIVERSE-INPUTS.json`.  Returns the newest's path."""
    name, raw = NAMES[type(report)], encoded(report)
    dated = folder / f"{name}s" if not name.endswith("s") else folder / f"{name}_weekly"
    write(dated / f"{report.as_of}-{report.universe}-{report.inputs[:8]}.json", raw)
    newest = folder / f"{name}.json"
    write(newest, raw)
    return newest


def history(kind: type[Report], folder: Path) -> list[Path]:
    """Every dated report, oldest first."""
    name = NAMES[kind]
    return sorted((folder / (f"{name}s" if not name.endswith("s") else f"{name}_weekly")).glob("*.json"))


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """JSON Schema of a report."""
    return msgspec.json.schema(kind)


def write(path: Path, raw: bytes) -> None:
    """A whole file, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(raw)
    temporary.replace(path)
