"""A secret in memory does not turn into text by any of the ways in which programs turn values into text."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import io
import json
import logging
import pickle
import pprint
import reprlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from string import Template
from typing import Any

import msgspec
import pytest
import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from floorbroker.domain.secret import Secret
from tests.canary.canaries import CANARIES
from tests.canary.scanner import Scanner

KEY = CANARIES["secret key"]


@dataclass
class Login:
    """A record of somebody who did not think of secrets."""

    name: str
    key: Secret


class Model(BaseModel):
    """The same in pydantic."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    key: Secret


def _login() -> Login:
    return Login("me", Secret(KEY))


def _trace(render: Callable[[Exception], str]) -> str:
    key = Secret(KEY)
    try:
        raise ValueError("with", key, {"key": key})  # noqa: TRY301 - the frame is the point
    except ValueError as error:
        return render(error)


def _rich(error: Exception) -> str:
    out = io.StringIO()
    trace = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
    Console(file=out, width=200).print(trace)
    return out.getvalue()


def _logged(**members: Any) -> str:
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(file=out), processors=[structlog.processors.JSONRenderer(default=repr)]
    )
    log.info("told", **members)
    return out.getvalue()


def _task() -> str:
    async def work(key: Secret) -> None:
        del key

    async def whole() -> str:
        task = asyncio.get_running_loop().create_task(work(Secret(KEY)), name=f"{Secret(KEY)}")
        text = repr(task)
        await task
        return text

    return asyncio.run(whole())


TOLD: dict[str, Callable[[], str]] = {
    "str": lambda: str(Secret(KEY)),
    "repr": lambda: repr(Secret(KEY)),
    "f-string": lambda: f"{Secret(KEY)} {Secret(KEY)!r} {Secret(KEY):>80}",
    "per cent": lambda: "%s %r %a" % (Secret(KEY), Secret(KEY), Secret(KEY)),  # noqa: UP031 - this way, too
    "format": lambda: "{0} {0!r}".format(Secret(KEY)),
    "template": lambda: Template("$key").substitute(key=Secret(KEY)),
    "containers": lambda: repr([{"key": (Secret(KEY), {Secret(KEY)})}]),
    "dataclass": lambda: repr(_login()),
    "vars of its owner": lambda: str(vars(_login())),
    "pydantic": lambda: repr(Model(key=Secret(KEY))) + str(Model(key=Secret(KEY)).model_dump()),
    "pprint": lambda: pprint.pformat({"login": _login()}),
    "reprlib": lambda: reprlib.repr([Secret(KEY)]),
    "rich": lambda: pretty_repr({"login": _login()}),
    "JSON with a default": lambda: json.dumps({"key": Secret(KEY)}, default=str),
    "log record": lambda: logging.LogRecord("x", 20, "f", 1, "key %s", (Secret(KEY),), None).getMessage(),
    "log line": lambda: _logged(key=Secret(KEY), login=_login(), deep=[{"key": Secret(KEY)}]),
    "arguments of an error": lambda: _trace(lambda error: str(error) + repr(error)),
    "trace": lambda: _trace(lambda error: "".join(traceback.format_exception(error))),
    "trace with locals": lambda: _trace(
        lambda error: "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    ),
    "rich trace with locals": lambda: _trace(_rich),
    "task": _task,
    "bound call": lambda: str(inspect.signature(Login).bind("me", Secret(KEY))),
    "names": lambda: str(dir(Secret(KEY))),
}

REFUSED: dict[str, Callable[[], object]] = {
    "pickle": lambda: pickle.dumps(Secret(KEY)),
    "pickle of its owner": lambda: pickle.dumps(_login()),
    "copy": lambda: copy.copy(Secret(KEY)),
    "deep copy": lambda: copy.deepcopy(_login()),
    "asdict": lambda: dataclasses.asdict(_login()),
    "JSON": lambda: json.dumps({"key": Secret(KEY)}),
    "msgspec JSON": lambda: msgspec.json.encode(_login()),
    "msgspec MessagePack": lambda: msgspec.msgpack.encode(Secret(KEY)),
    "msgspec builtins": lambda: msgspec.to_builtins(_login()),
    "pydantic JSON": lambda: Model(key=Secret(KEY)).model_dump_json(),
    "pydantic Any": lambda: TypeAdapter(Any).dump_json(Secret(KEY)),
    "vars": lambda: vars(Secret(KEY)),
    "iteration": lambda: list(Secret(KEY)),  # type: ignore[call-overload]
    "joining": lambda: "".join([Secret(KEY)]),  # type: ignore[list-item]
    "adding": lambda: "key " + Secret(KEY),  # type: ignore[operator]
    "bytes": lambda: bytes(Secret(KEY)),  # type: ignore[call-overload]
}


@pytest.mark.parametrize("way", TOLD)
def test_every_way_of_printing_shows_stars(way: str) -> None:
    assert Scanner().look(TOLD[way](), way) == []


@pytest.mark.parametrize("way", REFUSED)
def test_every_way_of_copying_it_out_is_refused_without_repeating_it(way: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        REFUSED[way]()
    told = "".join(traceback.format_exception(caught.value))
    assert Scanner().look(told, way) == []


def test_a_secret_that_printed_itself_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Secret, "__repr__", lambda self: self.reveal())
    seen = [way for way, tell in TOLD.items() if Scanner().look(tell(), way)]
    assert len(seen) > len(TOLD) // 2, seen
