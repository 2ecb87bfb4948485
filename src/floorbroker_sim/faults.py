"""Scripted faults: where, what, when.  The plan only decides; `gate.py` acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import Literal

import msgspec

Where = Literal["request", "reply", "stream"]
What = Literal[
    "drop", "delay", "duplicate", "reorder", "cut", "status", "malformed",
    "mute", "throttle", "ban", "maintenance", "token_expiry",
]  # fmt: skip

MAX_SECONDS = 86_400
REFUSALS = frozenset({"status", "throttle", "ban", "maintenance", "token_expiry"})
LASTING = frozenset({"mute", "throttle", "ban", "maintenance", "token_expiry"})
IMPOSSIBLE = {
    ("request", "mute"): "only a stream can be muted",
    ("reply", "mute"): "only a stream can be muted",
    ("reply", "duplicate"): "HTTP has no form for a second answer to one request",
}


class When(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"since": "from", "until": "to"}
):
    """At the n-th match, with a probability, in a window; no member means always.

    The window is in the venue's time: RFC 3339 text, or seconds since the plan was set.
    """

    nth: int | None = None
    probability: float | None = None
    since: datetime | float | None = None
    until: datetime | float | None = None


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which requests: a method, and a path as a shell pattern (`/v2/orders`, `/v2/orders/*`)."""

    method: str | None = None
    path: str | None = None


class Args(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`status` to answer, `seconds` of a delay or of a lasting fault, `count` of matches it repeats for."""

    status: int | None = None
    seconds: float | None = None
    count: int | None = None


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a fault plan."""

    where: Where
    what: What
    when: When = When()
    match: Match = Match()
    args: Args = Args()


class FaultFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /faults` and `--faults FILE` hold."""

    faults: list[Fault]


class BadFault(ValueError):
    """A fault that cannot be; `field` names the member."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field_name


def read_faults(raw: bytes) -> list[Fault]:
    """The faults of a JSON document.  Raises `BadFault`, naming the member."""
    try:
        file = msgspec.json.decode(_spelled(raw), type=FaultFile)
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadFault("faults", f"the document cannot be read: {error}") from error
    except msgspec.DecodeError as error:
        text = str(error)
        where = text.rpartition(" - at `$")[2].rstrip("`").lstrip(".") if " - at `$" in text else "faults"
        raise BadFault(where or "faults", text.partition(" - at ")[0]) from error
    for index, fault in enumerate(file.faults):
        _check(fault, f"faults[{index}]")
    return file.faults


def _spelled(raw: bytes) -> bytes:
    return raw.replace(b'"token expiry"', b'"token_expiry"')


def _check(fault: Fault, at: str) -> None:
    if reason := IMPOSSIBLE.get((fault.where, fault.what)):
        raise BadFault(f"{at}.what", reason)
    if fault.when.nth is not None and fault.when.nth < 1:
        raise BadFault(f"{at}.when.nth", "the first match is 1")
    if fault.when.probability is not None and not 0 <= fault.when.probability <= 1:
        raise BadFault(f"{at}.when.probability", "a probability lies between 0 and 1")
    if fault.args.status is not None and not 100 <= fault.args.status <= 599:
        raise BadFault(f"{at}.args.status", "an HTTP status lies between 100 and 599")
    if fault.args.seconds is not None and not 0 <= fault.args.seconds <= MAX_SECONDS:
        raise BadFault(f"{at}.args.seconds", f"seconds lie between 0 and {MAX_SECONDS}")
    if fault.args.count is not None and fault.args.count < 1:
        raise BadFault(f"{at}.args.count", "a count is at least 1")
    for name, moment in (("from", fault.when.since), ("to", fault.when.until)):
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise BadFault(f"{at}.when.{name}", "a time needs its zone")
        if isinstance(moment, float) and not 0 <= moment <= MAX_SECONDS:
            raise BadFault(f"{at}.when.{name}", f"seconds lie between 0 and {MAX_SECONDS}")


@dataclass(slots=True)
class _Line:
    fault: Fault
    matches: int = 0
    hits: int = 0
    until: datetime | None = None


@dataclass
class FaultPlan:
    """Faults and how often each has matched.  The same seed and the same questions give the same answers."""

    faults: list[Fault] = field(default_factory=list[Fault])
    seed: int = 0
    set_at: datetime | None = None  # what seconds of a window count from; None: from the first question

    def __post_init__(self) -> None:
        self.replace(self.faults, at=self.set_at)

    def replace(self, faults: list[Fault], *, at: datetime | None = None) -> None:
        """Start over with other faults, set at `at`."""
        self.faults = list(faults)
        self.set_at = at
        self._lines = [_Line(fault) for fault in faults]
        self._random = Random(f"faults {self.seed}")

    def decide(
        self, where: Where, method: str, path: str, at: datetime, *, among: frozenset[str] | None = None
    ) -> list[Fault]:
        """Which faults befall this request, reply or frame, in the order of the plan; asking counts as one match.

        `among` narrows the question to some kinds: a stream is asked once for its handshake and once for each frame.
        """
        if self.set_at is None:
            self.set_at = at
        return [
            line.fault
            for line in self._lines
            if line.fault.where == where
            and (among is None or line.fault.what in among)
            and _matches(line.fault.match, method, path)
            and self._hit(line, at)
        ]

    def _hit(self, line: _Line, at: datetime) -> bool:
        line.matches += 1
        if line.until is not None and at < line.until:
            return True
        hit = self._now(line, at)
        if hit:
            line.hits += 1
            if line.fault.what in LASTING and line.fault.args.seconds is not None:
                line.until = at + timedelta(seconds=line.fault.args.seconds)
        return hit

    def _now(self, line: _Line, at: datetime) -> bool:
        when, count = line.fault.when, line.fault.args.count
        since, until = self._moment(when.since), self._moment(when.until)
        if (since is not None and at < since) or (until is not None and at >= until):
            return False
        if when.nth is not None:
            return when.nth <= line.matches < when.nth + (count or 1)
        if count is not None and line.hits >= count:
            return False
        return when.probability is None or self._random.random() < when.probability

    def _moment(self, bound: datetime | float | None) -> datetime | None:
        if bound is None or isinstance(bound, datetime):
            return bound
        assert self.set_at is not None
        return self.set_at + timedelta(seconds=bound)


def _matches(match: Match, method: str, path: str) -> bool:
    if match.method is not None and match.method.upper() != method:
        return False
    return match.path is None or fnmatchcase(path, match.path)
