"""Backtests that doors ask for: checked here, run in a process of their own, kept under the home."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.app.acts import row_of
from floorbroker.app.home import Home
from floorbroker.app.operations import Operation, Operations, Told
from floorbroker.domain.errors import ApiError, ConfigInvalid, FieldError, InvalidRequest
from floorbroker.domain.ports import AuditEntry
from floorbroker.gateway.desk import Caller

CHILD = (sys.executable, "-m", "floorbroker.app.backtest_child")
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "TZ", "TMPDIR")
PATH = "/api/v1/backtests"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestAsked:
    """A ready-made strategy over recorded prices.  A file of one's own is run by the command line alone."""

    strategy: str
    symbols: tuple[str, ...]
    parameters: Mapping[str, str]
    span: str = "day"
    since: date | None = None
    until: date | None = None
    cash: Decimal = Decimal(100_000)
    fee_bps: Decimal = Decimal(0)
    slippage_bps: Decimal = Decimal(0)
    latency_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtests:
    """Over one home; `recorded` is the folder of recorded prices, `record` writes to the audit.

    `most` results are kept, of `most_mb` megabytes together.
    """

    home: Home
    operations: Operations
    recorded: Path | None = None
    record: Callable[[AuditEntry], Awaitable[None]] | None = None
    most: int = 500
    most_mb: int = 500

    @property
    def folder(self) -> Path:
        return self.home.data / "backtests"

    async def kept(self, *, before: str = "", limit: int = 100) -> list[dict[str, Any]]:
        """Summaries, the newest first.  Raises `ConfigInvalid` for a file that is none."""
        from floorbroker.backtest.kept import summaries

        return await asyncio.to_thread(summaries, self.folder, before=before, limit=limit)

    async def whole(self, id: str) -> dict[str, Any]:
        """One with all its fills.  Raises `NotFound`."""
        from floorbroker.backtest.kept import whole

        return await asyncio.to_thread(whole, self.folder, id)

    @property
    def strategies(self) -> list[str]:
        """The ready-made ones, by name."""
        from floorbroker.strategy.shelf import SHELF

        return sorted(SHELF)

    async def start(self, asked: BacktestAsked, *, caller: Caller) -> Operation:
        """A run, which is in the audit before it begins.

        Raises `InvalidRequest` for what no run can be made of, and `ConfigInvalid` without recorded prices.
        """
        from floorbroker.backtest.kept import new_id

        if self.recorded is None:
            raise ConfigInvalid("no recorded prices here: start the desk with FLOORBROKER_DATA naming their folder")
        id, parameters = new_id(self.operations.clock.now(), asked.strategy), _checked(asked)
        job = {
            "id": id, "folder": self.folder, "recorded": self.recorded, "strategy": asked.strategy,
            "symbols": asked.symbols, "parameters": parameters, "span": asked.span, "since": asked.since,
            "until": asked.until, "cash": asked.cash, "fee_bps": asked.fee_bps, "slippage_bps": asked.slippage_bps,
            "latency_ms": asked.latency_ms, "most": self.most, "most_mb": self.most_mb,
        }  # fmt: skip
        await self._recorded(caller, "backtest.start", id, strategy=asked.strategy, symbols=" ".join(asked.symbols))
        line = msgspec.json.encode(job, enc_hook=str) + b"\n"
        return self.operations.start(f"backtest of {asked.strategy}", lambda told: _played(line, told))

    async def cancel(self, id: str, *, caller: Caller) -> Operation:
        """End long work that runs or waits.  Raises `NotFound`."""
        found = self.operations.get(id)
        if found.ended_at is None:
            await self._recorded(caller, "backtest.cancel", id)
        return self.operations.cancel(id)

    async def _recorded(self, caller: Caller, action: str, id: str, **detail: str) -> None:
        if self.record is not None:
            await self.record(row_of(caller, action, id, "done", detail={k: v[:200] for k, v in detail.items()}))


def _checked(asked: BacktestAsked) -> dict[str, object]:
    """The parameters, once the strategy has taken them."""
    from floorbroker.strategy.loading import settings_from
    from floorbroker.strategy.shelf import SHELF

    if asked.strategy not in SHELF:
        detail = f"write one of: {', '.join(SHELF)}; your own file runs with floorbroker backtest run"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/strategy", code="not_valid", detail=detail),))
    if "symbols" in asked.parameters:
        detail = "symbols stand beside the parameters, not among them"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/parameters", code="not_valid", detail=detail),))
    parameters = settings_from(asked.parameters)
    SHELF[asked.strategy](**parameters, symbols=asked.symbols)
    return parameters


async def _played(line: bytes, told: Told) -> str:
    """Where the result is.  The process is ended with whoever waits for it; it is given no variable of the desk."""
    process = await _begun()
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        async for heard in process.stdout:
            said: dict[str, Any] = msgspec.json.decode(heard)
            if "kept" in said:
                return f"{PATH}/{said['kept']}"
            if "trouble" in said:
                raise InvalidRequest(said["trouble"])
            told(said["done"], said["total"])
    finally:
        await _ended(process)
    raise ApiError(f"the process of the backtest ended with code {process.returncode}")


async def _begun() -> asyncio.subprocess.Process:
    """The process; one whose beginning is called off is ended as soon as it is there."""
    beginning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name in KEPT_VARIABLES},
        )
    )  # fmt: skip
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        await _ended(await beginning)
        raise


async def _ended(process: asyncio.subprocess.Process) -> None:
    """No process and no pipe is left, whatever it was doing."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it ended by itself just now
            process.kill()
    assert process.stdin is not None
    process.stdin.close()
    await process.communicate()
