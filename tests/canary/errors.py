"""Errors that carry a secret, in every shape in which programs and libraries raise them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel

from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    JournalFault,
    OrderRejected,
    Outcome,
    StreamLost,
)
from tests.canary.canaries import CANARIES, ENCODINGS


class Number(BaseModel):
    """Something a secret is not."""

    limit: int


class Mute(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError(self.args[0])


@dataclass
class Call:
    """What libraries hang on their errors."""

    headers: dict[str, str]


class Answered(Exception):
    """An error with the whole request in it, as HTTP libraries make them."""

    def __init__(self, call: Call) -> None:
        super().__init__(call, f"401 for {call.headers}")
        self.call = call


def _invalid(text: str) -> Exception:
    try:
        Number.model_validate({"limit": [text]})
    except ValueError as error:
        return error
    raise AssertionError(text)


def _caused(text: str) -> Exception:
    error = RuntimeError("it failed")
    error.__cause__ = ValueError(f"because of {text}")
    return error


def _meanwhile(text: str) -> Exception:
    error = RuntimeError("it failed")
    error.__context__ = KeyError(text)
    return error


def _noted(text: str) -> Exception:
    error = RuntimeError("it failed")
    error.add_note(f"the key was {text}")
    return error


SHAPES: dict[str, Callable[[str], Exception]] = {
    "message": lambda t: RuntimeError(f"cannot log in with {t} today"),
    "arguments": lambda t: ValueError(7, t, {"headers": {"Authorization": f"Bearer {t}"}}),
    "key": KeyError,
    "path": lambda t: OSError(5, "Input/output error", f"/tmp/{t}"),
    "bytes": lambda t: TypeError(t.encode("utf-8", "surrogatepass")),
    "undecodable": lambda t: UnicodeDecodeError("utf-8", t.encode("utf-8", "replace"), 0, 1, t),
    "document": lambda t: json.JSONDecodeError(f"bad near {t}", t, 0),
    "broken characters": lambda t: ValueError(f"\ud800{t}\udfff"),
    "cause": _caused,
    "context": _meanwhile,
    "note": _noted,
    "group": lambda t: ExceptionGroup(f"two of {t}", [ValueError(t), ExceptionGroup("more", [KeyError(t)])]),
    "validation": _invalid,
    "mute": Mute,
    "request": lambda t: Answered(Call({"X-Key": t})),
    "timeout": lambda t: TimeoutError(f"waiting for https://me:{t}@venue.example/?token={t}"),
    "refusal": lambda t: OrderRejected(f"refused {t}", broker="X", venue_text=f"no {t}"),
    "unknown": lambda t: ApiError(f"odd {t}", venue_text=t, outcome=Outcome.UNKNOWN),
    "no connection": lambda t: ConnectionFailed(f"no way to {t}"),
    "login": lambda t: AuthenticationFailed(f"{t} is not accepted", venue_text=t),
    "stream": lambda t: StreamLost(f"the venue said {t}"),
    "disk": lambda t: JournalFault(f"the disk said {t}"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One error to be raised: which canary, how it is spelled, and in which shape."""

    number: int
    canary: str
    encoding: str
    shape: str

    def told(self) -> str:
        return ENCODINGS[self.encoding](CANARIES[self.canary])

    def error(self) -> Exception:
        return SHAPES[self.shape](self.told())


def cases(count: int, seed: int) -> list[Case]:
    """Every combination comes about equally often."""
    random = Random(seed)
    return [
        Case(n, random.choice(list(CANARIES)), random.choice(list(ENCODINGS)), random.choice(list(SHAPES)))
        for n in range(count)
    ]
