"""JSON over HTTP, one call a connection, for the desk's REST door and the simulator's control door."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.process.nursery import TooLate

ANSWER_S = 40.0


class Gone(Exception):
    """Nobody listens any more, or the connection ended before the whole answer: the process died under the call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the decoded body, and where what was made is to be found."""

    status: int
    body: Any
    place: str | None = None

    @property
    def ok(self) -> bool:
        return self.status < 300


@dataclass(frozen=True, slots=True)
class Door:
    """Where to ask, and with which headers."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    ca: str | None = None

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Raises `Gone` and `TooLate`."""
        sent = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, path, body=data, headers=sent)
            reply = connection.getresponse()
            raw = reply.read()
        except TimeoutError as error:
            raise TooLate(f"{method} {path}: no answer in {ANSWER_S:g} s") from error
        except (ConnectionError, http.client.HTTPException) as error:
            raise Gone(f"{method} {path}: {type(error).__name__}") from error
        finally:
            connection.close()
        return Answer(reply.status, json.loads(raw) if raw else None, reply.getheader("Location"))

    def _connection(self) -> http.client.HTTPConnection:
        place = urlsplit(self.url)
        if place.scheme == "http":
            return http.client.HTTPConnection(place.netloc, timeout=ANSWER_S)
        context = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection(place.netloc, timeout=ANSWER_S, context=context)

    def get(self, path: str) -> Any:
        """The body of an answer that must be a success."""
        answer = self.ask("GET", path)
        assert answer.ok, f"GET {path}: {answer}"
        return answer.body

    def post(self, path: str, **fields: object) -> Any:
        answer = self.ask("POST", path, fields)
        assert answer.ok, f"POST {path}: {answer}"
        return answer.body
