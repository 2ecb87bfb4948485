"""Research as people ask for it: a universe, a source, a day; what comes of it is kept under the home."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from floorbroker.app.config import load
from floorbroker.app.floor import Outside
from floorbroker.app.histories import LOCAL, RECORDING, SEEDED, history_of, recording
from floorbroker.app.profiles import Profiles
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.marketdata.adjust import Basis
from floorbroker.marketdata.cache import Reader, Store, direct
from floorbroker.marketdata.calendars import is_session
from floorbroker.research import outliers as scans
from floorbroker.research import sectors as analysis
from floorbroker.research.allocation import Allocation, Bounds, Method, allocate
from floorbroker.research.dataset import Dataset, prepare, save
from floorbroker.research.outliers import OutlierScan, scan_outliers
from floorbroker.research.panel import Panel, load_panel
from floorbroker.research.ranking import RankReport, rank
from floorbroker.research.sectors import SectorAnalyzer, SectorReport
from floorbroker.research.seeded import LAST
from floorbroker.research.shelf import encoded, keep, write
from floorbroker.research.universe import BUILT_IN, Universe, read_universe

_DAYS_A_SESSION = 1.5  # calendar days that hold a session, holidays and all
_SLACK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person said.  `source` empty: the one that goes with the universe; `until` None: the last day there is."""

    universe: str = "recorded"
    source: str = ""
    until: date | None = None
    data: Path | None = None
    seed: int = 0
    budget_bytes: int = 2 << 30
    basis: Basis = "total"

    @property
    def origin(self) -> str:
        """The source: the built-in universes lie where their prices are."""
        if self.source:
            return self.source
        return SEEDED if self.universe == SEEDED else RECORDING

    @property
    def lacks_folder(self) -> bool:
        """Whether recorded days are meant, and nobody said where they lie."""
        return self.origin == RECORDING and self.data is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a dataset is made and learned from; sessions throughout."""

    sessions: int = 1_000
    horizon: int = 5
    embargo: int = 5
    folds: int = 5
    model: str = "lightgbm"
    model_seed: int = 0


def _unheard(done: int, total: int) -> None:
    """Nobody wants to know."""
    del done, total


@dataclass(slots=True, kw_only=True)
class Researcher:
    """Over one home; `here` knows profiles and their keys, `told` hears how many symbols of how many are there."""

    here: Profiles
    outside: Outside = field(default_factory=Outside)
    told: Callable[[int, int], None] = _unheard

    def universe(self, word: str) -> Universe:
        """One of ours by its name, or a TOML file.  Raises `InvalidRequest` for a word or path that names none, and
        `ConfigInvalid` for a file that says nothing of use.
        """
        if word in BUILT_IN:
            return BUILT_IN[word]
        if not word.endswith(".toml"):
            raise _no_universe(word, f"say {', '.join(BUILT_IN)}, or name a .toml file")
        if not Path(word).is_file():
            raise _no_universe(word, "there is no such file")
        return read_universe(Path(word))

    @property
    def folder(self) -> Path:
        return self.here.home.data

    @asynccontextmanager
    async def reader(self, asked: Asked) -> AsyncGenerator[Reader]:
        """The source behind the cache; what lies on this disk already is read as it is."""
        word = asked.origin
        async with history_of(word, here=self.here, outside=self.outside, data=asked.data, seed=asked.seed) as source:
            if word in LOCAL:
                yield direct(source)
            else:
                yield Store(source, self.folder, clock=self.outside.clock, budget_bytes=asked.budget_bytes)

    async def panel(self, asked: Asked, universe: Universe, *, sessions: int) -> Panel:
        """At least so many sessions up to the day that was asked for."""
        last = await self._last(asked, universe)
        first = last - timedelta(days=int(sessions * _DAYS_A_SESSION) + _SLACK)
        async with self.reader(asked) as reader:
            return await load_panel(reader, universe.symbols, first=first, last=last, basis=asked.basis, told=self.told)

    async def _last(self, asked: Asked, universe: Universe) -> date:
        if asked.until is not None:
            return asked.until
        match asked.origin:
            case "seeded":
                return LAST
            case "recording":
                return recording(asked.data).last_day(universe.benchmark)
            case _:
                day = self.outside.clock.now().date() - timedelta(days=1)
                while not is_session(day):
                    day -= timedelta(days=1)
                return day

    async def sectors(self, asked: Asked) -> tuple[SectorReport, Path]:
        """The report, and where the newest is kept."""
        universe = self.universe(asked.universe)
        panel = await self.panel(asked, universe, sessions=analysis.LOOK_BACK)
        report = SectorAnalyzer(universe).report(panel)
        return report, keep(report, self.folder)

    async def outliers(self, asked: Asked, *, most: int) -> tuple[OutlierScan, Path]:
        """The same for a week's candidates."""
        universe = self.universe(asked.universe)
        panel = await self.panel(asked, universe, sessions=scans.LOOK_BACK)
        scan = scan_outliers(panel, universe, most=most)
        return scan, keep(scan, self.folder)

    async def prepare(self, asked: Asked, plan: Plan) -> tuple[Dataset, Path]:
        """A dataset of sessions up to the day that was asked for, and where it is kept."""
        universe = self.universe(asked.universe)
        panel = await self.panel(asked, universe, sessions=plan.sessions)
        dataset = prepare(panel, universe, horizon=plan.horizon, embargo=plan.embargo, folds=plan.folds)
        return dataset, save(dataset, self.folder)

    async def rank(self, asked: Asked, plan: Plan) -> tuple[RankReport, Dataset, Path]:
        """The report of a ranking model on such a dataset, and where the newest is kept."""
        dataset, _ = await self.prepare(asked, plan)
        report = rank(dataset, model=plan.model, seed=plan.model_seed)
        raw = encoded(report)
        write(self.folder / "rank_reports" / f"{report.as_of}-{report.dataset}-{report.model}.json", raw)
        newest = self.folder / "rank_report.json"
        write(newest, raw)
        return report, dataset, newest

    async def allocate(
        self, asked: Asked, *, method: Method, sessions: int, bounds: Bounds
    ) -> tuple[Allocation, dict[str, Decimal]]:
        """Target weights, and the last raw close of every symbol."""
        universe = self.universe(asked.universe)
        panel = await self.panel(asked, universe, sessions=sessions + 1)
        found = allocate(panel, universe, method=method, sessions=sessions, bounds=bounds)
        closes: dict[str, Decimal] = {}
        for (
            symbol,
            rows,
        ) in panel.rows.items():  # of the last day prices are raw, whatever the basis: nothing came after it
            last = rows[-1] if rows else None
            if last is not None:
                closes[symbol] = last.close
        write(self.folder / "allocation.json", encoded(found))
        return found, closes

    def fees(self) -> dict[str, tuple[Decimal, Decimal]]:
        """What routes reckon with at each profile: of the value in basis points, and of each unit."""
        venues = load(self.here.home, path=self.here.path).routing.venues
        return {name: (one.fee_bps, one.fee_per_unit) for name, one in venues.items()}


def _no_universe(word: str, why: str) -> InvalidRequest:
    detail = f"--universe {word}: {why}"
    return InvalidRequest(detail, fields=(FieldError(pointer="/universe", code="not_found", detail=detail),))
