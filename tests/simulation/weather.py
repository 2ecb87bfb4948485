"""What can go wrong between two machines, drawn from the seed: faults with windows and chances, and plain latency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from floorbroker.domain.frozen import frozen

# Fault kinds by where they strike.  `order` are order commands, `read` all other requests, `connect` the opening of a
# stream, `stream` one frame of it, `disk` one commit.  These are what nearly every schedule has some of.
COMMON: dict[str, tuple[str, ...]] = {
    "order": (
        "refuse",  # no connection: proven not sent
        "stall",  # no connection in time: proven not sent
        "drop",  # lost on the way; the client waits in vain
        "cut",  # the connection resets before the venue saw the request
        "lost",  # the venue acts, the reply is lost in silence
        "reset",  # the venue acts, the connection resets before the reply
        "delay",  # the request arrives long after the client gave up
        "slow",  # the reply takes seconds
        "duplicate",  # the network hands the request over twice
        "replay",  # somebody in between hands it over twice, and passes on the second answer
        "reorder",  # later requests overtake this one
        "page",  # somebody in between answers 502; the venue saw nothing
        "page_after",  # the same, and the venue has acted
        "throttle",  # 429
        "garble",  # the venue acts, the reply does not parse
    ),
    "read": ("refuse", "drop", "reset", "slow", "page", "throttle", "garble"),
    "connect": ("refuse", "page", "slow"),
    "stream": ("cut", "mute", "duplicate", "reorder", "lag", "drop", "garble"),
    "disk": ("error_before", "error_after", "full"),
}


# Those that strike at every door of a venue at once, as long as they last.
OUTAGES = (
    "unauthorized",  # 401: the keys do not count any more
    "ban",  # 418, and a time to stay away
    "maintenance",  # a page with 503, and a time to come back
)
# What a venue's answer may be besides cut short; after an order command the venue has acted all the same.
TWISTED = (
    "odd_types",  # every text stands in a list
    "huge",  # a quarter of a megabyte of something else
    "deep",  # lists in lists in lists
    "not_text",  # bytes that are no UTF-8
    "strange",  # a status and an event that stand in no table
)
RARE: dict[str, tuple[str, ...]] = {
    "order": (*OUTAGES, "lost_page", *TWISTED),  # lost_page: a page with 404, from somebody in between
    "read": (*OUTAGES, "lost_page", *TWISTED),
    "connect": OUTAGES,
    "stream": (*TWISTED, "skew"),  # skew: from here on, everything on this connection is late by some seconds
    "disk": (
        "slow",  # a commit of a group takes a while
        "busy",  # the database is locked, and nothing is stored
        "unsaid",  # the commit happens, and nobody is told so
    ),
}
KINDS = {where: (*kinds, *RARE[where]) for where, kinds in COMMON.items()}


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a plan: while virtual time is in [since_s, until_s), each event at `where` is struck with
    `chance`; with `at`, of the account of that name alone."""

    where: str
    what: str
    since_s: float
    until_s: float
    chance: float
    at: str = ""

    def __post_init__(self) -> None:
        if self.what not in KINDS[self.where]:
            raise ValueError(f"no fault {self.what!r} strikes {self.where!r}")

    def __str__(self) -> str:
        whose = f" of {self.at}" if self.at else ""
        return f"{self.where}.{self.what}{whose} {self.since_s:.1f}s to {self.until_s:.1f}s, chance {self.chance:.2f}"


class Weather:
    """Draws what befalls each message.  `struck` counts what did, by (where, what)."""

    def __init__(self, *, faults: Sequence[Fault], random: Random, now: Callable[[], float]) -> None:
        self._faults = tuple(faults)
        self._random = random
        self._now = now
        self.struck: Counter[tuple[str, str]] = Counter()
        self.on_strike: Callable[[str], None] = _nobody

    def strike(self, where: str, at: str = "") -> str | None:
        """The fault that befalls the next event at `where` of the account `at`, if any."""
        at_s = self._now()
        for fault in self._faults:
            if fault.where != where or not fault.since_s <= at_s < fault.until_s or fault.at not in {"", at}:
                continue
            if self._random.random() < fault.chance:
                self.struck[where, fault.what] += 1
                self.on_strike(where)
                return fault.what
        return None

    def latency_s(self) -> float:
        """One way through the network, seconds."""
        return self._random.uniform(0.001, 0.060)

    def between(self, least_s: float, most_s: float) -> float:
        """Some seconds."""
        return self._random.uniform(least_s, most_s)

    def begin(self, faults: Sequence[Fault]) -> None:
        """Other faults, instead of those before."""
        self._faults = tuple(faults)

    def clear(self) -> None:
        """No more faults."""
        self._faults = ()


def _nobody(where: str) -> None:
    """Before anybody counts where a desk was."""


@frozen
class Journey:
    """What becomes of one HTTP exchange, in seconds and outcomes.

    `arrivals` are the delays after which the venue sees the request (none: never, two: twice); `heard` is which of them
    the client hears the answer to.  `reply_s` None: the reply is lost in silence.
    """

    connect_s: float = 0.0
    refused: bool = False
    stalled: bool = False
    arrivals: tuple[float, ...] = ()
    heard: int = 0
    reply_s: float | None = None
    reset: bool = False
    page: str | None = None  # somebody in between answers this instead of the venue
    twist: str | None = None  # what becomes of the venue's answer


def journey(what: str | None, weather: Weather) -> Journey:
    """The course of an exchange that `what` befalls."""
    connect_s, up_s, down_s = weather.latency_s(), weather.latency_s(), weather.latency_s()
    whole = Journey(connect_s=connect_s, arrivals=(up_s,), reply_s=down_s)
    match what:
        case None:
            return whole
        case "refuse":
            return Journey(connect_s=connect_s, refused=True)
        case "stall":
            return Journey(stalled=True)
        case "drop":
            return Journey(connect_s=connect_s)
        case "cut":
            return Journey(connect_s=connect_s, reply_s=down_s, reset=True)
        case "page":
            return Journey(connect_s=connect_s, reply_s=up_s + down_s, page="page")
        case "throttle":
            return Journey(connect_s=connect_s, reply_s=up_s + down_s, page="throttle")
        case "unauthorized" | "ban" | "maintenance" | "lost_page":
            return Journey(connect_s=connect_s, reply_s=up_s + down_s, page=what)
        case _:
            return _after_arrival(what, whole, weather)


def _after_arrival(what: str, whole: Journey, weather: Weather) -> Journey:
    """The courses on which the venue sees the request."""
    connect_s, (up_s,), down_s = whole.connect_s, whole.arrivals, whole.reply_s
    match what:
        case "lost":
            return Journey(connect_s=connect_s, arrivals=(up_s,))
        case "reset":
            return Journey(connect_s=connect_s, arrivals=(up_s,), reply_s=down_s, reset=True)
        case "page_after":
            return Journey(connect_s=connect_s, arrivals=(up_s,), reply_s=down_s, page="page")
        case "garble" | "odd_types" | "huge" | "deep" | "not_text" | "strange":
            return Journey(connect_s=connect_s, arrivals=(up_s,), reply_s=down_s, twist=what)
        case "slow":
            return Journey(connect_s=connect_s, arrivals=(up_s,), reply_s=weather.between(0.5, 8))
        case "delay":
            return Journey(connect_s=connect_s, arrivals=(weather.between(1, 35),), reply_s=down_s)
        case "reorder":
            return Journey(connect_s=connect_s, arrivals=(weather.between(0.1, 1.5),), reply_s=down_s)
        case "duplicate":
            return Journey(connect_s=connect_s, arrivals=(up_s, up_s + weather.between(0, 3)), reply_s=down_s)
        case "replay":
            again_s = up_s + weather.between(0.01, 0.5)
            return Journey(connect_s=connect_s, arrivals=(up_s, again_s), heard=1, reply_s=down_s)
        case _:
            raise ValueError(f"no course for {what!r}")
