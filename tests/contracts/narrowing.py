"""Two readings of one schema, from the side of whoever programs against it: which differences break what they have.

What is *asked* (parameters, bodies) breaks by becoming narrower: what was taken has to be taken still.  What is *told* (answers)
breaks by becoming wider or thinner: what was always there has to be there, and of the kind it was.  More members in answers, and
more words in a list of them, are additions; programs are told to pass over what they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.contracts.shapes import Shapes

Schema = Mapping[str, Any]
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ANY = "anything"


class Way(Enum):
    """Who says it."""

    ASKED = "asked"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: where, what, and whether it breaks anybody."""

    place: str
    what: str
    breaks: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the kinds of value a schema lets stand: a type, and which named schema says so."""

    type: str
    name: str
    schema: Schema


def broken(place: str, what: str) -> Finding:
    """It breaks."""
    return Finding(place, what, breaks=True)


def added(place: str, what: str) -> Finding:
    """It does not."""
    return Finding(place, what, breaks=False)


@dataclass(slots=True)
class Narrowing:
    """Compares schemas of two documents, one way.  A schema that both name is compared once, by its own name."""

    old: Shapes
    new: Shapes
    way: Way
    _known: dict[str, tuple[Finding, ...]] = field(default_factory=dict[str, tuple[Finding, ...]])

    @property
    def asks(self) -> bool:
        return self.way is Way.ASKED

    def between(self, old: Any, new: Any, place: str) -> Iterator[Finding]:
        """What is different at a place and below it."""
        name = _name(old)
        if not name or name != _name(new):
            yield from self._resolved(old, new, place)
            return
        if name not in self._known:
            self._known[name] = ()  # one that holds itself is looked at once
            self._known[name] = tuple(self._resolved(old, new, name))
        yield from self._known[name]

    def _resolved(self, old: Any, new: Any, place: str) -> Iterator[Finding]:
        olds, news = list(_kinds(self.old, old)), list(_kinds(self.new, new))
        pairs, gone, came = _paired(olds, news)
        for one, other in pairs:
            if one.name and one.name == other.name and one.name != place:  # one of several that may stand here
                reference = {"$ref": f"#/components/schemas/{one.name}"}
                yield from self.between(reference, reference, place)
            else:
                yield from self._of_kind(one.schema, other.schema, place)
        yield from self._kinds_apart(gone, came, place, was=olds, now=news)

    def _kinds_apart(
        self, gone: list[_Kind], came: list[_Kind], place: str, *, was: list[_Kind], now: list[_Kind]
    ) -> Iterator[Finding]:
        wide, narrow = (now, gone) if self.asks else (was, came)
        lost = [kind for kind in narrow if not _covered(kind, wide)]
        if lost and gone and came:
            yield broken(place, f"was {_listed(was)}, is {_listed(now)}")
            return
        less, more = (lost, came) if self.asks else (gone, lost)
        wider = (broken, "can be {} now")
        yield from self._apart(place, [_said(kind) for kind in less], [_said(kind) for kind in more], wider=wider)

    def _apart(
        self, place: str, less: Iterable[str], more: Iterable[str], *, wider: tuple[Callable[[str, str], Finding], str]
    ) -> Iterator[Finding]:
        """What stands there no more, and what is new there; `wider` is what a new one means in an answer."""
        narrowed = (broken, "no longer takes {}") if self.asks else (added, "is never {} any more")
        widened = (added, "takes {} too") if self.asks else wider
        for words, (finding, text) in ((less, narrowed), (more, widened)):
            yield from (finding(place, text.format(word)) for word in words)

    def _of_kind(self, old: Schema, new: Schema, place: str) -> Iterator[Finding]:
        yield from self._words(old, new, place)
        if self.asks:
            yield from _bounds(old, new, place)
        elif old.get("format") not in {None, new.get("format")}:
            yield broken(place, f"had the format {old['format']}, has {new.get('format') or 'none'}")
        yield from self._members(old, new, place)
        for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
            one, other = old.get(key), new.get(key)
            if isinstance(one, dict) and isinstance(other, dict):
                yield from self.between(one, other, f"{place}{mark}")

    def _words(self, old: Schema, new: Schema, place: str) -> Iterator[Finding]:
        was, now = _enum(old), _enum(new)
        if was is None and now is None:
            return
        if was is None or now is None:
            opened = now is None
            text = "takes words outside its list" if self.asks else "is no longer one of a list"
            closed = "takes the words of a list alone" if self.asks else "is one of a list"
            yield Finding(place, text if opened else closed, breaks=opened is not self.asks)
            return
        yield from self._apart(place, sorted(was - now), sorted(now - was), wider=(added, "may be {} too"))

    def _members(self, old: Schema, new: Schema, place: str) -> Iterator[Finding]:
        was, now = dict(old.get("properties") or {}), dict(new.get("properties") or {})
        had_to, has_to = set(old.get("required") or ()), set(new.get("required") or ())
        for name, one in was.items():
            at = f"{place}.{name}"
            if name not in now:
                yield broken(at, "is no longer taken" if self.asks else "is no longer told")
                continue
            yield from self._presence(name in had_to, name in has_to, at)
            if self.asks:
                yield from default_moved(one, now[name], at)
            yield from self.between(one, now[name], at)
        for name in now:
            if name not in was and self.asks and name in has_to:
                yield broken(f"{place}.{name}", "has to be sent now")
            elif name not in was:
                yield added(f"{place}.{name}", "may be sent" if self.asks else "is told")

    def _presence(self, had_to: bool, has_to: bool, at: str) -> Iterator[Finding]:
        if had_to == has_to:
            return
        if self.asks:
            yield broken(at, "has to be sent now") if has_to else added(at, "may be left out")
        else:
            yield added(at, "is always told") if has_to else broken(at, "is no longer always told")


def default_moved(old: Any, new: Any, place: str) -> Iterator[Finding]:
    """What is left out means something else now."""
    if not isinstance(old, dict) or not isinstance(new, dict) or old.get("default") == new.get("default"):
        return
    if "default" in old:
        yield broken(place, f"left out meant {old['default']!r}, means {new.get('default', 'nothing')!r}")


def _bounds(old: Schema, new: Schema, place: str) -> Iterator[Finding]:
    """Of what is asked."""
    for keys, sign in ((_LOWER, 1), (_UPPER, -1)):
        for key in keys:
            was, now = old.get(key), new.get(key)
            if was == now:
                continue
            tighter = now is not None and (was is None or sign * (now - was) > 0)
            yield Finding(place, f"{key} was {_or_none(was)}, is {_or_none(now)}", breaks=tighter)
    for key in ("format", "pattern"):
        if old.get(key) != new.get(key):
            text = (
                f"has another {key}: see whether it takes all that it took"
                if new.get(key)
                else f"has no {key} any more"
            )
            yield Finding(place, text, breaks=bool(new.get(key)))


def _or_none(bound: object) -> str:
    return "none" if bound is None else str(bound)


# -- kinds ----------------------------------------------------------------------------------------------------------------


def _kinds(shapes: Shapes, schema: Any) -> Iterator[_Kind]:
    name, found = _name(schema), shapes.resolve(schema)
    if not isinstance(found, dict):
        yield _Kind(_ANY, name, {})
        return
    for key in ("anyOf", "oneOf"):
        if found.get(key):
            for inner in found[key]:
                yield from _kinds(shapes, inner)
            return
    found = _whole(shapes, found)
    types = found.get("type") or _implied(found)
    for word in [types] if isinstance(types, str) else types:
        yield _Kind(str(word), name, found)
    if found.get("nullable"):
        yield _Kind("null", name, {})


def _whole(shapes: Shapes, schema: Schema) -> Schema:
    """A schema together with all that it says it is as well."""
    parts = [_whole(shapes, shapes.resolve(inner)) for inner in schema.get("allOf") or ()]
    if not parts:
        return schema
    whole = dict[str, Any]()
    for part in (*parts, schema):
        members = {**whole.get("properties", {}), **(part.get("properties") or {})}
        required = [*whole.get("required", ()), *(part.get("required") or ())]
        whole |= {key: value for key, value in part.items() if key != "allOf"}
        whole |= ({"properties": members} if members else {}) | ({"required": required} if required else {})
    return whole


def _implied(schema: Schema) -> str:
    words = _enum(schema)
    if words is not None:
        return "string"
    return "object" if "properties" in schema else "array" if "items" in schema else _ANY


def _enum(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return {str(word) for word in schema["enum"] if word is not None} if isinstance(schema.get("enum"), list) else None


def _paired(olds: list[_Kind], news: list[_Kind]) -> tuple[list[tuple[_Kind, _Kind]], list[_Kind], list[_Kind]]:
    """Which belong together: by type and name, then by type alone; and what stays alone on either side."""
    pairs, left = list[tuple[_Kind, _Kind]](), list(news)
    gone = list(olds)
    for by_name in (True, False):
        for old in [*gone]:
            match = next((new for new in left if new.type == old.type and (not by_name or new.name == old.name)), None)
            if match is not None:
                pairs.append((old, match))
                gone.remove(old)
                left.remove(match)
    return pairs, gone, left


def _covered(kind: _Kind, wide: Iterable[_Kind]) -> bool:
    types = {other.type for other in wide}
    return _ANY in types or (kind.type == "integer" and "number" in types)


def _name(schema: Any) -> str:
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    return reference.rsplit("/", 1)[-1] if isinstance(reference, str) else ""


def _said(kind: _Kind) -> str:
    return kind.name if kind.type == "object" and kind.name else kind.type


def _listed(kinds: Iterable[_Kind]) -> str:
    return " or ".join(dict.fromkeys(_said(kind) for kind in kinds))
