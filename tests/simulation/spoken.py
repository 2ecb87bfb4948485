"""Order commands that go over a socket: which frames are some, and what the weather does to them and to their answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from floorbroker.transport.types import Frame, Request
from tests.simulation.twist import twisted
from tests.simulation.weather import TWISTED, Weather


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """How a venue's commands look as frames: the word that says what is asked, and the member with our client id.

    `endpoints` turns words into the names that adapters give to commands; frames with other words are none.
    """

    word: re.Pattern[bytes]
    client: re.Pattern[bytes]
    endpoints: Mapping[bytes, str]

    def command(self, frame: bytes, origin: str) -> Request | None:
        """The command in a frame for `origin`, as much of it as matters here."""
        said = self.word.search(frame)
        endpoint = self.endpoints.get(said[1]) if said is not None else None
        if endpoint is None:
            return None
        named = self.client.search(frame)
        order = named[1].decode() if named is not None else None
        return Request(method="WS", origin=origin, path="/", endpoint=endpoint, order=order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed(Spoken):
    """The same of a protocol of numbered messages over TCP, which neither loses nor reorders what it carries.

    An order is named by its number: the same number once more is a change of it, and no second order.
    """

    def command(self, frame: bytes, origin: str) -> Request | None:
        found = Spoken.command(self, frame, origin)
        number = self.word.search(frame)
        return None if found is None or number is None else replace(found, method="TWS", path=f"/{number[2].decode()}")


class World(Protocol):
    """What a line tells of commands, and what it is told of them."""

    spoken: Spoken | None
    origin: str
    at: str  # whose account

    def left(self, command: Request) -> None:
        """Its frame was handed over."""
        ...

    def taken(self, command: Request) -> None:
        """The venue has acted."""
        ...


Deliver = Callable[[float, Frame], None]  # to the venue, so many seconds late


class Mouth:
    """The client's end of one line, where it speaks in commands."""

    def __init__(self, weather: Weather, world: World, *, deliver: Deliver, break_off: Callable[[], None]) -> None:
        self._weather = weather
        self._world = world
        self._deliver = deliver
        self._break_off = break_off
        self._answers: list[str] = []  # what befalls the answers that come next
        self._spoke = False

    @property
    def speaks(self) -> bool:
        """Whether what comes down may be an answer: a command went over this line; over TCP, one whose answer is struck."""
        return bool(self._answers) if isinstance(self._world.spoken, Framed) else self._spoke

    def says(self, frame: Frame) -> bool:
        """Send a frame, if it is a command; else it is for the line to send."""
        command = self._world.spoken.command(frame.data, self._world.origin) if self._world.spoken is not None else None
        if command is None:
            return False
        self._spoke = True
        self._world.left(command)
        what = self._weather.strike("order", self._world.at)
        if what == "drop":
            return True
        if what == "cut":
            self._break_off()
            return True
        self._deliver(self._weather.between(1, 35) if what == "delay" else 0.0, frame)
        self._world.taken(command)
        if what == "reset" or (what == "lost" and isinstance(self._world.spoken, Framed)):
            self._break_off()  # over TCP an answer is lost with its line alone
        elif what in {"lost", "slow", "garble", *TWISTED}:
            self._answers.append(what)
        return True

    def hears(self, frame: Frame) -> tuple[Frame | None, float]:
        """What becomes of a frame from the venue, which may be an answer: None when it is lost, and how late it is."""
        what = self._answers.pop(0) if self._answers else None
        match what:
            case None:
                return frame, 0.0
            case "lost":
                return None, 0.0
            case "slow":
                return frame, self._weather.between(0.5, 8)
            case _:
                words = self._world.spoken.word if self._world.spoken is not None else re.compile(rb"(?!)")
                return Frame(twisted(what, frame.data, words), frame.text), 0.0
