"""Old `.env` files become drafts of profiles: lines in, profiles and a word on every line out.  No value is ever told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from floorbroker.app.import_env import CHOICE, HOSTS, NO, PLACES, PORTS, YES, Means, meaning_of, venue_of
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.forms import SEALED
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment

_P, _L = Environment.PAPER, Environment.LIVE
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*[=:]\s*(.*)")
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\.{3,}|[x*]{3,}|your[_ -].*|.*_here|.*change_?me.*|replace.*|todo|none|null|paste_.*",
    re.IGNORECASE,
)
LINE_MAX = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an old file: what became of it, never its value.  `used` is false for what was ignored."""

    file: str
    number: int
    name: str
    used: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One profile that a file describes.  `refused` says why it cannot be made; empty when it can."""

    broker: str
    environment: Environment
    sealed: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    host: str = ""
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    enabled: bool = True
    notes: tuple[str, ...] = ()
    refused: str = ""

    @property
    def name(self) -> str:
        """`alpaca-paper`: the name that the eight fields of an account have everywhere."""
        return f"{self.broker.lower().replace('_', '-')}-{self.environment.value}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What old files say."""

    drafts: tuple[Draft, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """One assignment."""

    file: str
    number: int
    name: str
    value: str = field(repr=False)

    @property
    def where(self) -> str:
        return f"{self.name} ({self.file}:{self.number})"

    def line(self, detail: str, *, used: bool = False) -> Line:
        return Line(file=self.file, number=self.number, name=self.name, used=used, detail=detail)


@dataclass(frozen=True, slots=True)
class _Meant:
    """An assignment that the table knows."""

    said: _Said
    venue: str
    means: Means
    place: Environment | None = None


def read_files(
    texts: Iterable[tuple[str, str]], infos: Mapping[str, BrokerInfo], *, default: Environment | None = None
) -> Reading:
    """The profiles that old files (name and text) describe together; of a name given twice the last counts.

    `default` is the environment of what says neither paper nor live; without it that is `paper`.
    """
    said, lines = _assignments(texts)
    chosen, meant = _chosen(said), list[_Meant]()
    for one in said.values():
        if one.name in CHOICE:
            lines.append(
                one.line(f"generic names are of {chosen}" if chosen else "no venue that is known", used=bool(chosen))
            )
        elif isinstance(found := meaning_of(one.name, chosen), str):
            lines.append(one.line(found))
        else:
            meant.append(_Meant(one, *found))
    drafts: list[Draft] = []
    for venue in dict.fromkeys(one.venue for one in meant):
        mine = [one for one in meant if one.venue == venue]
        made = list(_drafts(venue, mine, infos, default))
        drafts += made
        lines += [_told(one, made) for one in mine]
    return Reading(tuple(drafts), tuple(sorted(lines, key=lambda line: (line.file, line.number))))


# -- lines ----------------------------------------------------------------------------------------------------------------


def _assignments(texts: Iterable[tuple[str, str]]) -> tuple[dict[str, _Said], list[Line]]:
    found, lines = dict[str, _Said](), list[Line]()
    for file, text in texts:
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.strip()
            if not line or line.startswith(("#", ";")):
                continue
            match = _LINE.fullmatch(line) if len(line) <= LINE_MAX else None
            if match is None:
                lines.append(Line(file=file, number=number, name="", used=False, detail="not NAME=value"))
                continue
            said = _Said(file, number, match.group(1), _bare(match.group(2)))
            if (before := found.get(said.name)) is not None:
                lines.append(before.line(f"said again in {file}:{number}, which counts"))
            if reason := _worthless(said.value):
                lines.append(said.line(reason))
                found.pop(said.name, None)
                continue
            found[said.name] = said
    return found, lines


def _bare(text: str) -> str:
    """A value without its quotes, or without the comment behind it."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        return text[1:end] if end > 0 else text[1:]
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _worthless(value: str) -> str:
    if not value:
        return "empty"
    if "${" in value or value.startswith("$"):
        return "it refers to another variable: write the value itself"
    if _PLACEHOLDER.fullmatch(value):
        return "a placeholder, not a value"
    return ""


def _chosen(said: Mapping[str, _Said]) -> str | None:
    """The venue that a generic file names."""
    words = (said[name].value for name in CHOICE if name in said)
    return next(filter(None, map(venue_of, words)), None)


# -- profiles -------------------------------------------------------------------------------------------------------------

_IGNORED = (Means.LATER, Means.GATEWAY, Means.DATA)


def _drafts(
    venue: str, meant: list[_Meant], infos: Mapping[str, BrokerInfo], default: Environment | None
) -> Iterator[Draft]:
    """One draft, or one for each environment that names themselves speak of."""
    if all(one.means in _IGNORED for one in meant):
        return
    places = list(dict.fromkeys(one.place for one in meant if one.place is not None))
    common = [one for one in meant if one.place is None]
    has_keys = any(one.means in (Means.KEY, Means.SECRET, Means.ACCOUNT) for one in common)
    for place in places:
        yield _draft(venue, [one for one in meant if one.place is place], infos, place, None)
    if common and (has_keys or not places):
        yield _draft(venue, common, infos, None, default)


def _draft(
    venue: str,
    meant: list[_Meant],
    infos: Mapping[str, BrokerInfo],
    place: Environment | None,
    default: Environment | None,
) -> Draft:
    notes: list[str] = []
    environment, clash = (place, "") if place is not None else _place(venue, meant, infos)
    if environment is None:
        environment = default or Environment.PAPER
        notes.append(f"no line says paper or live: taken as {environment.value}")
    values, doubled = _values(meant)
    clash = clash or doubled
    host, url = _address(venue, values, environment, infos)
    feed = values.get(Means.FEED, "").lower()
    draft = Draft(
        broker=venue,
        environment=environment,
        sealed={m.value: Secret(values[m]) for m in Means if m.value in SEALED and m in values},
        host=host,
        url=url,
        options={"stock_feed": feed} if feed else {},
        enabled=values.get(Means.ENABLED, "yes").lower() not in NO,
        notes=tuple(notes),
    )
    return _judged(draft, clash, infos)


def _values(meant: Iterable[_Meant]) -> tuple[dict[Means, str], str]:
    """One value for each meaning; two names that say different things are a reason to refuse."""
    values, by = dict[Means, str](), dict[Means, _Said]()
    for one in meant:
        before = values.setdefault(one.means, one.said.value)
        first = by.setdefault(one.means, one.said)
        if before != one.said.value and one.means not in (Means.PAPER, Means.PLACE, *_IGNORED):
            return values, f"{first.where} and {one.said.where} say different things: leave one of them out"
    return values, ""


def _place(venue: str, meant: Iterable[_Meant], infos: Mapping[str, BrokerInfo]) -> tuple[Environment | None, str]:
    """The environment that the lines agree on; what two of them say against each other is a reason to refuse."""
    found: dict[Environment, _Said] = {}
    for one in meant:
        if (said := _placed(one, infos.get(venue))) is not None:
            found.setdefault(said, one.said)
    if len(found) > 1:
        told = ", ".join(f"{said.where} says {environment.value}" for environment, said in found.items())
        return next(iter(found)), f"the lines do not agree: {told}"
    return next(iter(found), None), ""


def _placed(one: _Meant, info: BrokerInfo | None) -> Environment | None:
    value = one.said.value.lower()
    match one.means:
        case Means.PAPER:
            return _P if value in YES else _L if value in NO else None
        case Means.PLACE:
            return PLACES.get(re.sub(r"[^a-z]", "", value))
        case Means.PORT:
            return PORTS.get(value)
        case Means.URL:
            return _place_of_url(one.said.value, info)
        case Means.KEY:
            return _place_of_key(one.said.value, info)
        case _:
            return None


def _place_of_key(key: str, info: BrokerInfo | None) -> Environment | None:
    """What the venue's keys of each environment begin with, where it says so."""
    for asked in () if info is None else info.fields:
        for environment, prefix in asked.prefixes.items():
            if asked.name == Means.KEY.value and key.startswith(prefix):
                return environment
    return None


def _place_of_url(url: str, info: BrokerInfo | None) -> Environment | None:
    host = _host(url)
    if host in ("127.0.0.1", "localhost", "::1"):
        return Environment.SIM if info is not None and Environment.SIM in info.environments else None
    if info is not None:
        for origin, environment in info.hosts.items():
            if _host(origin) == host:
                return environment
    return HOSTS.get(host)


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def _address(
    venue: str, values: Mapping[Means, str], environment: Environment, infos: Mapping[str, BrokerInfo]
) -> tuple[str, str]:
    """`host` and `url` of the profile: what follows from the environment anyway is left out."""
    host, port, client = (values.get(means, "") for means in (Means.HOST, Means.PORT, Means.CLIENT))
    if venue == "IBKR" and (host or port):
        number = port or ("7496" if environment is _L else "7497")
        return "", f"tws://{host or '127.0.0.1'}:{number}" + (f"?client_id={client}" if client else "")
    url = values.get(Means.URL, "")
    info = infos.get(venue)
    known = {_host(origin) for origin in info.hosts} if info is not None else set(HOSTS)
    if url and _host(url) in known:
        url = ""
    return host, url


def _judged(draft: Draft, clash: str, infos: Mapping[str, BrokerInfo]) -> Draft:
    """The draft with the reason that it cannot be made, if there is one."""
    info = infos.get(draft.broker)
    if info is None:
        return replace(draft, refused="this desk has no adapter for it yet")
    if clash:
        return replace(draft, refused=clash)
    if draft.environment not in info.environments:
        there = ", ".join(environment.value for environment in info.environments)
        return replace(draft, refused=f"{info.name} has no environment {draft.environment.value}; it has {there}")
    return draft


def _told(one: _Meant, drafts: Iterable[Draft]) -> Line:
    if one.means in _IGNORED:
        return one.said.line(one.means.value)
    made = [draft for draft in drafts if one.place in (None, draft.environment)]
    if not made:
        return one.said.line("nothing else is said of that account")
    names = ", ".join(draft.name for draft in made)
    refused = all(draft.refused for draft in made)
    return one.said.line(f"{names}{' (not made)' if refused else ''}: {one.means.value}", used=not refused)
