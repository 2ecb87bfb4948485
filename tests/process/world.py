"""One venue, one home, and the lives of the desk that trades between them: real processes, over TCP or TLS."""

from __future__ import annotations

import json
import signal
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.process.door import Door, Gone
from tests.process.nursery import Child, Nursery, begin_cold

PROFILE = "alpaca-sim"
SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA")
START_S = 90.0
INTENT_AGE_S = "1"
SEND_TIMEOUT_S = 1.0

_CONFIG = """
[trading]
answers = "{answers}"
send_timeout_s = {send_timeout_s}
[risk]
intent_age_max_s = "{intent_age_s}"
{limits}
[profiles.{profile}]
broker = "ALPACA"
environment = "sim"
[profiles.{profile}.options]
arrival_bound_s = "0"
{ca}
"""


@dataclass(slots=True)
class World:
    """`tls` says how desk and venue speak; `cold` starts the desk as a shell does, not from the helper.

    `answers` is the desk's setting of that name; `prepare` makes the home.  `strange` gives the account a position of days
    ago that no fill explains which a first look back reaches.  `limits` are further lines of the desk's `[risk]`.
    """

    nursery: Nursery
    folder: Path
    tls: bool = False
    cold: bool = False
    strange: bool = False
    answers: str = "durable"
    limits: str = ""
    prepare: Callable[[Path], object] = Path.mkdir
    lives: int = 0
    venue: Child = field(init=False)
    control: Door = field(init=False)
    line: dict[str, Any] = field(init=False)
    desk: Child | None = None
    door: Door | None = None

    def open(self) -> None:
        """Start the venue, set its prices, and write the desk's configuration."""
        words = ["sim", "alpaca", *(["--tls"] if self.tls else []), *(self._days_ago() if self.strange else [])]
        self.venue = self.nursery.begin(words, env=self._scratch(), folder=self.folder, name="venue")
        self.venue.until(lambda: self.venue.out.endswith("\n"), within_s=START_S, what="the simulator's line")
        self.line = json.loads(self.venue.out)
        self.control = Door(self.line["control"])
        for symbol in SYMBOLS[:1] if self.strange else SYMBOLS:
            self.control.post("/price", symbol=symbol, bid="100", ask="100.02")
        if self.strange:
            self._buy_as_a_stranger()
        self.prepare(self.home)
        ca = f'ca_file = "{self.line["ca"]}"' if self.tls else ""
        (self.home / "floorbroker.toml").write_text(
            _CONFIG.format(
                profile=PROFILE,
                ca=ca,
                answers=self.answers,
                intent_age_s=INTENT_AGE_S,
                limits=self.limits,
                send_timeout_s=SEND_TIMEOUT_S,
            ),
            "utf-8",
        )

    def _days_ago(self) -> list[str]:
        """A recorded day, so that the venue's time begins before it."""
        day = datetime.now(UTC).date() - timedelta(days=4)
        folder = self.folder / "data"
        file = folder / "equities" / "minute" / SYMBOLS[0].lower() / f"{day:%Y%m%d}_trade.zip"
        file.parent.mkdir(parents=True)
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("day.csv", "34200000,1000000,1000000,1000000,1000000,100\n")
        return ["--data", str(folder)]

    def _buy_as_a_stranger(self) -> None:
        """Somebody else fills the account; then the venue's time becomes ours."""
        keys = self.line["credentials"]
        headers = {"APCA-API-KEY-ID": keys["BROKER_API_KEY"], "APCA-API-SECRET-KEY": keys["BROKER_SECRET_KEY"]}
        order = {"symbol": SYMBOLS[0], "qty": "7", "side": "buy", "type": "market", "time_in_force": "day"}
        Door(self.line["rest"], headers, self.line["ca"]).post("/v2/orders", **order)
        self.control.post("/clock", now=datetime.now(UTC).isoformat())

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def _scratch(self) -> dict[str, str]:
        return {"TMPDIR": str(self.folder)}

    # -- lives ------------------------------------------------------------------------------------------------------------

    def begin(self, plan: str = "", **env: str) -> Child:
        """A new life, not waited for."""
        self.lives += 1
        given = {**self._scratch(), **self.line["credentials"], "FLOORBROKER_HOME": str(self.home), **env}
        if plan:
            given["FLOORBROKER_STEPS"] = plan
        words, name = ["--json", "up", "--port", "0"], f"desk{self.lives}"
        start = begin_cold if self.cold else self.nursery.begin
        self.desk, self.door = start(words, env=given, folder=self.folder, name=name), None
        return self.desk

    def settle(self) -> Door:
        """Wait until the life that began can be spoken to.  Raises `Gone` when it ended first."""
        desk = self.desk
        assert desk is not None
        if not desk.until(lambda: desk.out.endswith("\n"), within_s=START_S, what="the desk's line"):
            raise Gone(f"{desk.name} ended with {desk.status} before it was up\n{desk.err[-2000:]}")
        token = (self.home / "setup-token").read_text("ascii").strip()
        self.door = Door(json.loads(desk.out)["url"], {"Authorization": f"Bearer {token}"})
        return self.door

    def until(self, happened: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Wait for something while the desk lives.  Raises `Gone` and `TooLate`."""
        assert self.desk is not None
        if not self.desk.until(happened, within_s=within_s, what=what):
            raise Gone(f"{self.desk.name} ended with {self.desk.status}, waiting for: {what}")

    def close(self) -> None:
        """End both.  The venue ends by itself, since it has a folder to clear."""
        if self.desk is not None:
            self.desk.end()
        self.venue.tell(signal.SIGTERM)
        if not self.venue.ended(10):
            self.venue.end()

    # -- the venue's truth --------------------------------------------------------------------------------------------------

    def truth(self, what: str) -> list[dict[str, Any]]:
        return self.control.get(f"/{what}")
