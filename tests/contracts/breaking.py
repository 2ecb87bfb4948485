"""Two OpenAPI documents of one door, an older and a newer: which changes break programs that were written for the older."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.narrowing import Finding, Narrowing, Way, added, broken, default_moved
from tests.contracts.operations import METHODS
from tests.contracts.shapes import Shapes

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One finding, with the operations that it concerns where its place is a schema that several have."""

    finding: Finding
    operations: tuple[str, ...] = ()


@dataclass(slots=True)
class _Comparison:
    old: Document
    new: Document
    asked: Narrowing = field(init=False)
    told: Narrowing = field(init=False)

    def __post_init__(self) -> None:
        self.asked = Narrowing(Shapes(self.old), Shapes(self.new), Way.ASKED)
        self.told = Narrowing(Shapes(self.old), Shapes(self.new), Way.TOLD)

    # -- one operation ----------------------------------------------------------------------------------------------------

    def operation(self, label: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        for key, what in (("operationId", "operation id"), ("security", "security")):
            if old.get(key) != new.get(key):
                yield broken(label, f"the {what} was {old.get(key)}, is {new.get(key)}")
        if new.get("deprecated") and not old.get("deprecated"):
            yield added(label, "is deprecated")
        yield from self._parameters(label, _parameters(self.asked.old, old), _parameters(self.asked.new, new))
        yield from self._body(label, old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(label, old.get("responses") or {}, new.get("responses") or {})

    def _parameters(self, label: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        for name in sorted(old.keys() | new.keys()):
            place, was, now = f"{label} {name}", old.get(name), new.get(name)
            if now is None:
                yield broken(place, "is no longer taken")
            elif was is None:
                yield broken(place, "has to be sent now") if now.get("required") else added(place, "may be sent")
            else:
                if bool(was.get("required")) != bool(now.get("required")):
                    must = bool(now.get("required"))
                    yield Finding(place, "has to be sent now" if must else "may be left out", breaks=must)
                yield from default_moved(was.get("schema"), now.get("schema"), place)
                yield from self.asked.between(was.get("schema") or {}, now.get("schema") or {}, place)

    def _body(self, label: str, old: Any, new: Any) -> Iterator[Finding]:
        was, now = self.asked.old.resolve(old) or {}, self.asked.new.resolve(new) or {}
        if now.get("required") and not was.get("required"):
            yield broken(f"{label} body", "has to be sent now")
        yield from _contents(self.asked, was, now, f"{label} body", gone="is no longer taken", came="may be sent")

    def _answers(self, label: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
        for status in sorted(old.keys() | new.keys()):
            place = f"{label} {status}"
            if status not in new:
                yield broken(place, "is no longer answered")
                continue
            if status not in old:
                yield added(place, "is answered")
                continue
            was, now = self.told.old.resolve(old[status]), self.told.new.resolve(new[status])
            yield from _headers(was.get("headers") or {}, now.get("headers") or {}, place)
            yield from _contents(self.told, was, now, place, gone="is no longer told", came="is told")

    # -- the whole --------------------------------------------------------------------------------------------------------

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Each with the operation it was found at."""
        olds, news = dict(_operations(self.old)), dict(_operations(self.new))
        for key, (label, operation) in olds.items():
            if key not in news:
                was = " (it was deprecated)" if operation.get("deprecated") else ""
                yield label, broken(label, f"is gone{was}")
            else:
                yield from ((label, finding) for finding in self.operation(label, operation, news[key][1]))
        yield from ((label, added(label, "is new")) for key, (label, _) in news.items() if key not in olds)
        yield from (("", finding) for finding in self._beside())

    def _beside(self) -> Iterator[Finding]:
        """Schemas that no operation has: what receivers of webhooks read."""
        olds, news = (document.get("components", {}).get("schemas", {}) for document in (self.old, self.new))
        for name in olds.keys() - _reached(self.old):
            reference = {"$ref": f"#/components/schemas/{name}"}
            if name in news:
                yield from self.told.between(reference, reference, name)
            else:
                yield broken(name, "is no longer told")
        yield from (added(name, "is told") for name in news.keys() - _reached(self.new) if name not in olds)


def changes(old: Document, new: Document) -> list[Change]:
    """What is different, the breaking first, by place."""
    where = dict[Finding, dict[str, None]]()
    for label, finding in _Comparison(old, new).findings():
        where.setdefault(finding, {})[label] = None
    found = [Change(finding, tuple(filter(None, labels))) for finding, labels in where.items()]
    return sorted(found, key=lambda change: (not change.finding.breaks, change.finding.place, change.finding.what))


def told(change: Change, *, most: int = 3) -> str:
    """A change as a line for people."""
    place, labels = change.finding.place, change.operations
    line = f"{place}: {change.finding.what}"
    if not labels or place.startswith(labels[0]):
        return line
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return f"{line}  ({', '.join(labels[:most])}{more})"


# -- reading --------------------------------------------------------------------------------------------------------------


def _operations(document: Document) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]]]]:
    """By method and path, whatever the parameters in it are called: nobody who asks sees that."""
    for path, item in (document.get("paths") or {}).items():
        for method in METHODS:
            if isinstance(operation := item.get(method), dict):
                shared = [*item.get("parameters", ()), *operation.get("parameters", ())]
                label = f"{method.upper()} {path}"
                yield re.sub(r"\{[^}]*\}", "{}", label), (label, {**operation, "parameters": shared})


def _parameters(shapes: Shapes, operation: Mapping[str, Any]) -> dict[str, Any]:
    found = [shapes.resolve(parameter) for parameter in operation.get("parameters") or ()]
    return {f"{one.get('in')} {one.get('name')}": one for one in found if one.get("in") != "path"}


def _contents(
    narrowing: Narrowing, old: Mapping[str, Any], new: Mapping[str, Any], place: str, *, gone: str, came: str
) -> Iterator[Finding]:
    was, now = old.get("content") or {}, new.get("content") or {}
    for kind in sorted(was.keys() | now.keys()):
        at = place if kind == "application/json" else f"{place} {kind}"
        if kind not in now:
            yield broken(at, gone)
        elif kind not in was:
            yield added(at, came)
        else:
            yield from narrowing.between(was[kind].get("schema") or {}, now[kind].get("schema") or {}, at)


def _headers(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Finding]:
    yield from (broken(f"{place} header {name}", "is no longer told") for name in sorted(old.keys() - new.keys()))
    yield from (added(f"{place} header {name}", "is told") for name in sorted(new.keys() - old.keys()))


def _reached(document: Document) -> set[str]:
    """The names of schemas that paths lead to."""
    schemas = document.get("components", {}).get("schemas", {})
    found, waiting = set[str](), [document.get("paths")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rsplit("/", 1)[-1]
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found
