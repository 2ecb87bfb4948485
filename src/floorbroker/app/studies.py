"""What research and backtests left in a home, as doors show it: files, read beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from floorbroker.app.backtesting import Backtests
from floorbroker.app.home import Home
from floorbroker.domain.errors import ConfigInvalid, NotFound

REPORTS: Mapping[str, str] = {
    "sectors": "sector_report.json",
    "outliers": "outliers.json",
    "ranking": "rank_report.json",
    "allocation": "allocation.json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """The newest report of a kind; `report` is the file as it was written, `kept_at` when that was."""

    name: str
    kept_at: datetime
    report: Mapping[str, Any]

    def word(self, member: str) -> str:
        """A member at its top, as text; empty where it has none."""
        return str(self.report.get(member) or "")


@dataclass(frozen=True, slots=True)
class Studies:
    """Over one home."""

    home: Home
    backtests: Backtests | None = None

    async def reports(self) -> list[KeptReport]:
        """Every kind of which one is kept.  Raises `ConfigInvalid` for a file that is none."""
        found = [await asyncio.to_thread(_report, self.home.data, name) for name in REPORTS]
        return [one for one in found if one is not None]

    async def report(self, name: str) -> KeptReport:
        """The newest of one kind.  Raises `NotFound` where there is none, `ConfigInvalid` for a file that is no report."""
        if name not in REPORTS:
            raise NotFound(f"no such report; there are: {', '.join(REPORTS)}")
        found = await asyncio.to_thread(_report, self.home.data, name)
        if found is None:
            raise NotFound(f"no report of {name} is kept here; {MAKES[name]} makes one")
        return found


MAKES = {
    "sectors": "floorbroker research sectors",
    "outliers": "floorbroker research outliers",
    "ranking": "floorbroker research rank",
    "allocation": "floorbroker research allocate",
}


def _report(folder: Path, name: str) -> KeptReport | None:
    path = folder / REPORTS[name]
    document = document_of(path)
    if document is None:
        return None
    return KeptReport(name=name, kept_at=datetime.fromtimestamp(path.stat().st_mtime, UTC), report=document)


def document_of(path: Path) -> dict[str, Any] | None:
    """A file with a JSON object; None where there is no file.  Raises `ConfigInvalid` that names it."""
    try:
        found: object = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigInvalid(f"{path.name}: it cannot be read as JSON ({type(error).__name__}); make it anew") from None
    if not isinstance(found, dict):
        raise ConfigInvalid(f"{path.name}: it holds no JSON object; make it anew")
    return cast("dict[str, Any]", found)
