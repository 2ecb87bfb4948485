"""Where the time of a submit goes: spans around named functions, each counted without what ran inside it.

The functions are looked up by name when the watch is attached, in the process that is measured and nowhere else.  A stage is
the sum of its functions; what no stage claims is `rest`: tasks, futures, the layers' own lines.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

STAGES: dict[str, tuple[str, ...]] = {
    "validate": (
        "floorbroker.oms.schema:parse_order", "floorbroker.oms.schema:OrderSchema.to_order",
        "floorbroker.oms.schema:OrderSchema.digest", "floorbroker.gateway.gateway:_sound",
    ),
    "key look-up": ("floorbroker.store.sqlite:SqliteJournal.find_key",),
    "look around": (
        "floorbroker.oms.account:AccountContext.at_hand", "floorbroker.oms.submit:Submitter._look_around",
    ),
    "risk": ("floorbroker.oms.submit:Submitter._decide",),
    "encode records": ("floorbroker.store.writer:Batch.of",),
    "lay records down": ("floorbroker.store.writer:Writer.stage",),
    "sync": ("floorbroker.store.writer:Writer._commit",),
    "fold": (
        "floorbroker.oms.book:OrderBook.join", "floorbroker.oms.book:OrderBook.change",
        "floorbroker.oms.book:OrderBook.foresee",
    ),
    "encode order": (
        "floorbroker.brokers.alpaca.mapping.orders:order_request", "floorbroker.brokers.alpaca.rest.calls:Calls.submit",
        "floorbroker.transport.order_http:encode_request",
    ),
    "layers": (
        "floorbroker.transport.layers.breaker:Breaker.send", "floorbroker.transport.layers.ratelimit:RateLimit.send",
        "floorbroker.transport.layers.gate:SendGate.send", "floorbroker.transport.layers.sign:Sign.send",
        "floorbroker.transport.layers.timeout:Timeout.send", "floorbroker.transport.layers.audit:Audit.send",
    ),
    "send and wait for the reply": ("floorbroker.transport.order_http:OrderHttpClient.send",),
    "decode": (
        "floorbroker.brokers.alpaca.rest.answers:accepted_order",
        "floorbroker.brokers.alpaca.adapter:AlpacaBroker._own_reports",
    ),
    "facts": ("floorbroker.oms.inbound:Inbound.own_facts", "floorbroker.oms.writer:Writer._news"),
}  # fmt: skip


@dataclass(slots=True, eq=False)
class _Span:
    stage: str
    inside_ns: int = 0


@dataclass(slots=True)
class Stopwatch:
    """Adds up nanoseconds by stage while a span is open around them; one submit at a time."""

    clock: Callable[[], int] = time.perf_counter_ns
    absent: list[str] = field(default_factory=list[str])
    _thread: int = field(default_factory=threading.get_ident)
    _open: list[_Span] = field(default_factory=list[_Span])
    _sums: dict[str, int] = field(default_factory=dict[str, int])

    @contextmanager
    def span(self, stage: str) -> Iterator[None]:
        """Time from here to the end of the block, less the spans inside it."""
        mine = _Span(stage)
        self._open.append(mine)
        began = self.clock()
        try:
            yield
        finally:
            took = self.clock() - began
            self._open.remove(mine)
            self._sums[stage] = self._sums.get(stage, 0) + took - mine.inside_ns
            if self._open:
                self._open[-1].inside_ns += took

    def clear(self) -> None:
        """Begin anew."""
        self._sums.clear()

    def mean_us(self, count: int) -> dict[str, float]:
        """Microseconds of one submit by stage, the largest first."""
        ranked = sorted(self._sums.items(), key=lambda item: item[1], reverse=True)
        return {stage: round(total / count / 1000, 1) for stage, total in ranked}

    def attach(self) -> None:
        """Wrap what `STAGES` names; a name that is gone is noted in `absent`."""
        for stage, names in STAGES.items():
            for name in names:
                try:
                    self._wrap(stage, name)
                except AttributeError:
                    self.absent.append(name)

    def _wrap(self, stage: str, name: str) -> None:
        module_name, _, path = name.partition(":")
        owner: Any = importlib.import_module(module_name)
        *classes, last = path.split(".")
        for step in classes:
            owner = getattr(owner, step)
        made = inspect.getattr_static(owner, last)
        if isinstance(made, classmethod):
            setattr(owner, last, classmethod(self._timed(stage, made.__func__)))
            return
        timed = self._timed(stage, made)
        setattr(owner, last, timed)
        if not classes:
            _replace_imports(made, timed, last)

    def _timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(call):

            @functools.wraps(call)
            async def waits(*args: Any, **kwargs: Any) -> Any:
                with self._watching(stage):
                    return await call(*args, **kwargs)

            return waits

        @functools.wraps(call)
        def runs(*args: Any, **kwargs: Any) -> Any:
            with self._watching(stage):
                return call(*args, **kwargs)

        return runs

    @contextmanager
    def _watching(self, stage: str) -> Iterator[None]:
        """Only inside a submit, on its own thread: what the desk does between them is nobody's stage."""
        if not self._open or threading.get_ident() != self._thread:
            yield
            return
        with self.span(stage):
            yield


def _replace_imports(made: object, timed: object, name: str) -> None:
    """Modules that took the function by `from ... import` hold it under its own name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is made:
            setattr(module, name, timed)
