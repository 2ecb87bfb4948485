"""Writes the reference pages that come from code: errors, order states, capabilities, settings, routes, commands.

`python docs/build_reference.py` writes them, `--check` only says whether the committed ones are stale. A page is a pure
function of imported objects, so the same code always gives the same text.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain import steps
from floorbroker.domain.capability import USED_SHARE, BrokerInfo, Can, CredentialField
from floorbroker.domain.errors import FloorbrokerError, Outcome, error_codes
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import CLOSED, NewOrder, Order, OrderState
from floorbroker.domain.standing import public_status
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    ExecId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
)

DOCS = Path(__file__).resolve().parent
BANNER = "<!-- Written by docs/build_reference.py from the code. Change the code, then run: make reference -->"

MEANING = {
    Outcome.NOT_SENT: "Nothing left the machine. Sending again is safe.",
    Outcome.REFUSED: "The order was turned down. Sending the same again is pointless.",
    Outcome.UNKNOWN: (
        "It left, or may have, and no usable answer came. Do not repeat it: the desk asks the venue until it knows."
    ),
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def page(title: str, *blocks: str) -> str:
    """A whole page: banner, title, blocks with one empty line between them."""
    return "\n\n".join([BANNER, f"# {title}", *blocks]) + "\n"


def doc_of(thing: type | ModuleType | Callable[..., Any]) -> str:
    """A docstring as one paragraph; empty where a dataclass only has the signature it was given."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    return "" if text.startswith(f"{getattr(thing, '__name__', '')}(") else text


# --- Errors ----------------------------------------------------------------------------------------------------------


def own_errors() -> dict[str, list[type[FloorbrokerError]]]:
    """Codes with their classes, the domain's own only: what else was imported must not change a page."""
    kept = {
        code: [c for c in classes if c.__module__ == "floorbroker.domain.errors"]
        for code, classes in error_codes().items()
    }
    return {code: classes for code, classes in sorted(kept.items()) if classes}


def outcomes(classes: Iterable[type[FloorbrokerError]]) -> str:
    return ", ".join(sorted({f"`{c.default_outcome.value}`" for c in classes}))


def error_index() -> str:
    """Every code on one page."""
    rows = [
        (f"[`{code}`](errors/{code}.md)", outcomes(classes), doc_of(classes[0]))
        for code, classes in own_errors().items()
    ]
    return page(
        "Errors",
        "Every error has a stable `code` and, for order commands, an `outcome`: what is known about the order. "
        "The same code is in the API's `application/problem+json`, in the command line's message and in `--json`.",
        table(("Code", "Usual outcome", "Means"), rows),
        "## Outcomes",
        table(("Outcome", "Means"), [(f"`{o.value}`", MEANING[o]) for o in Outcome]),
    )


def error_page(code: str, classes: Sequence[type[FloorbrokerError]]) -> str:
    """One code: what happened, what is known, what to do."""
    rows = [(f"`{c.__name__}`", f"`{c.default_outcome.value}`", doc_of(c)) for c in classes]
    known = sorted({c.default_outcome for c in classes}, key=lambda o: o.value)
    return page(
        f"`{code}`",
        doc_of(classes[0]),
        table(("Class", "Usual outcome", "Means"), rows),
        "## What it says about an order",
        "\n".join(f"- `{outcome.value}`: {MEANING[outcome]}" for outcome in known),
        "The `outcome` in the reply is the one that counts: a connection that broke after the first byte is `unknown`, "
        "whatever is usual for the code.",
        "[All errors](../errors.md)",
    )


# --- Order states ----------------------------------------------------------------------------------------------------

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TEN = Quantity(Decimal(10))
PRICE = Price(Decimal("189.50"))
OWN: dict[str, Any] = {"source": f.Source.OWN, "at": AT}
TOLD: dict[str, Any] = {"source": f.Source.STREAM, "at": AT, "order_id": OrderId("V1")}


def wish() -> NewOrder:
    return NewOrder(symbol="AAPL", side=Side.BUY, order_type=OrderType.LIMIT, order_qty=TEN, price=PRICE)


def execution(quantity: int) -> f.Exec:
    return f.Exec(**TOLD, exec_id=ExecId("E1"), side=Side.BUY, last_qty=Quantity(Decimal(quantity)), last_px=PRICE)


def samples() -> dict[OrderState, tuple[f.Fact, ...]]:
    """The shortest set of facts that leads to each state."""
    prepared = f.Prepared(**OWN, cl_ord_id=ClOrdId("C1"), profile=ProfileName("paper"), order=wish())
    sent = (prepared, f.Sending(**OWN, deadline_s=5.0, arrival_bound_s=60.0))
    doubt = (*sent, f.InDoubt(**OWN, reason="no answer"))
    return {
        OrderState.PREPARED: (prepared,),
        OrderState.SENDING: sent,
        OrderState.NOT_SENT: (*sent, f.NotSent(**OWN, reason="connection refused")),
        OrderState.UNKNOWN: doubt,
        OrderState.NOT_PLACED: (*doubt, f.HorizonPassed(**OWN, presumed=False, negatives=3)),
        OrderState.PRESUMED_NOT_PLACED: (*doubt, f.HorizonPassed(**OWN, presumed=True, negatives=3)),
        OrderState.ACKED: (*sent, f.Ack(**TOLD)),
        OrderState.WORKING: (*sent, f.Working(**TOLD)),
        OrderState.HELD: (*sent, f.Held(**TOLD)),
        OrderState.REJECTED: (*sent, f.Reject(source=f.Source.REPLY, at=AT, reason="insufficient_funds")),
        OrderState.FILLED: (*sent, execution(10)),
        OrderState.CANCELLED: (*sent, f.Cancelled(**TOLD)),
        OrderState.EXPIRED: (*sent, f.Expired(**TOLD)),
    }


def arrivals() -> dict[str, f.Fact]:
    """What a venue may say next."""
    return {
        "ack": f.Ack(**TOLD),
        "working": f.Working(**TOLD),
        "held": f.Held(**TOLD),
        "exec 4 of 10": execution(4),
        "exec 10 of 10": execution(10),
        "cancelled": f.Cancelled(**TOLD),
        "expired": f.Expired(**TOLD),
        "reject, late": f.Reject(**TOLD, reason="order_rejected"),
    }


def folded(facts: Iterable[f.Fact]) -> Order:
    return fold(IntentId("0192f3c1"), facts)


def state_rows() -> Iterator[tuple[str, ...]]:
    for state, facts in samples().items():
        order = folded(facts)
        if order.state is not state:
            raise AssertionError(f"the facts sampled for {state} fold to {order.state}")
        flags = sorted(
            {public_status(state, cum=ZERO, pending_cancel=c, pending_replace=not c).value for c in (True, False)}
        )
        extra = ", ".join(f"`{flag}`" for flag in flags if flag != order.ord_status.value)
        yield (
            f"`{state.value}`",
            f"`{order.ord_status.value}`",
            extra or "-",
            "yes" if state in CLOSED else "no",
            ", ".join(fact.kind for fact in facts),
        )


def arrival_rows() -> Iterator[tuple[str, ...]]:
    for state, facts in samples().items():
        if any(isinstance(fact, f.Exec) for fact in facts):
            continue  # a filled order stays filled: said in words below
        cells: list[str] = []
        for fact in arrivals().values():
            order = folded((*facts, fact))
            cells.append(f"{order.state.value}{' (!)' if order.alerts else ''}")
        yield (f"`{state.value}`", *cells)


def state_page() -> str:
    """States, facts, and what each fact does in each state: all by asking the fold."""
    facts = [(f"`{kind}`", doc_of(cls)) for kind, cls in f.FACTS.items()]
    return page(
        "Order states",
        "An order's state is what its *set* of facts folds to; the order of arrival and repetitions do not matter. "
        "These tables are made by running the fold.",
        "## States",
        table(
            ("State", "Shown as `ord_status`", "With a pending cancel or replace", "Closed", "Shortest set of facts"),
            state_rows(),
        ),
        "A working order with fills is shown as `partially_filled`. A closed state reserves nothing any more; "
        "`sending` and `unknown` count in every limit until they are resolved.",
        "## What a venue's word does",
        table(("From", *arrivals()), arrival_rows()),
        "`(!)` marks a contradiction: the fact is kept and believed, and the order carries an alert for people. "
        "A `filled` order stays filled whatever arrives, unless a bust (`void`) or a correction takes quantity back.",
        "## Facts",
        table(("Fact", "Means"), facts),
        "Why it is built this way: [order life](../concepts/order-life.md).",
    )


# --- Capabilities ----------------------------------------------------------------------------------------------------


def brokers() -> list[BrokerInfo]:
    """The facts of every broker, sorted by code."""
    registry = importlib.import_module("floorbroker.brokers.registry")
    return sorted(registry.BROKERS.values(), key=lambda info: info.code)


def values(items: Iterable[Any]) -> str:
    return ", ".join(sorted(f"`{item.value}`" for item in items)) or "-"


def capability_page(infos: Sequence[BrokerInfo]) -> str:
    """One column a broker."""
    heads = [info.name for info in infos]
    can = [(f"`{ability.value}`", *("yes" if ability in info.can else "-" for info in infos)) for ability in Can]
    blocks: list[str] = []
    for info in infos:
        blocks += [f"## {info.name}", _orders_of(info), _fields_of(info), _options_of(info), _etiquette_of(info)]
    return page(
        "Capabilities",
        "What each broker can do, as its `info.py` states it. The desk asks for an ability, never for a name; "
        "the conformance suite runs exactly the tests an ability claims.",
        table(("Ability", *heads), can),
        *(block for block in blocks if block),
    )


def _orders_of(info: BrokerInfo) -> str:
    rows = [
        (f"`{asset.value}`", values(kinds), values(info.tifs.get(asset, ())))
        for asset, kinds in sorted(info.order_types.items(), key=lambda item: item[0].value)
    ]
    classes = f"Order classes: {values(info.order_classes)}. Environments: {values(info.environments)}."
    return table(("Asset class", "Order types", "Time in force"), rows) + "\n\n" + classes


def _fields_of(info: BrokerInfo) -> str:
    if not info.fields:
        return "Needs no credentials."
    rows = [
        (
            f"`{x.name}`",
            x.label,
            _asked_in(x, info),
            "yes" if x.secret else "no",
            " ".join((x.help, _shape_of(x))).strip(),
        )
        for x in info.fields
    ]
    return table(("Field", "At this venue", "Required in", "Secret", "Help"), rows)


def _asked_in(x: CredentialField, info: BrokerInfo) -> str:
    return values(e for e in info.environments if x.is_for(e)) if x.required else "-"


def _shape_of(x: CredentialField) -> str:
    shape = f"It is {x.shape}." if x.shape else ""
    return " ".join(filter(None, (shape, f"Looks like `{x.example}`." if x.example else "")))


def _options_of(info: BrokerInfo) -> str:
    if not info.options:
        return ""
    rows = [(f"`{x.name}`", f"`{x.default}`", x.shape, x.help) for x in info.options]
    return "Options of a profile (`options` in `[profiles.NAME]`, written as text):\n\n" + table(
        ("Option", "Default", "Takes", "Means"), rows
    )


def _etiquette_of(info: BrokerInfo) -> str:
    """How this venue wants to be spoken to, and how the desk keeps to it."""
    rows = [
        (
            f"`{a.name}`",
            f"{a.requests} in {a.per_s:g} s",
            f"{a.requests * USED_SHARE:g}",
            values_of(a.endpoints),
            f"`{a.option}`" if a.option else "-",
            f"[document]({a.document})" if a.document else "-",
        )
        for a in info.etiquette.allowances
    ]
    lines = [*info.etiquette.session_rules, f"Keys: {info.withdrawals}"]
    rules = "\n".join(f"- {line}" for line in lines)
    if not rows:
        return rules
    head = ("Allowance", "The venue's", "Ordinary work uses", "Endpoints", "Option", "Read in")
    return table(head, rows) + "\n\n" + rules


def values_of(words: Iterable[str]) -> str:
    """Words as code, in the order given."""
    return " ".join(f"`{word}`" for word in words)


# --- Settings --------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every key of the configuration file with its default, read from the models that check it."""
    config = importlib.import_module("floorbroker.app.config")
    limits = importlib.import_module("floorbroker.risk.limits")
    sections = (
        ("server", config.ServerSection),
        ("trading", config.TradingSection),
        ("live", config.LiveSection),
        ("audit", config.AuditSection),
        ("webhooks", config.WebhooksSection),
        ("backtests", config.BacktestsSection),
        ("profiles.NAME", config.ProfileSection),
    )
    blocks: list[str] = []
    for name, model in sections:
        blocks += [f"## `[{name}]`", doc_of(model), _settings_of(model, ())]
    return page(
        "Settings",
        "Every key of `floorbroker.toml`. Where else a value may come from: [configuration](configuration.md).",
        *blocks,
        "## `[risk]` and `[profiles.NAME.limits]`",
        doc_of(limits.RiskLimits),
        "Limits of a profile win over the common ones. Live is refused until the required ones are set.",
        _settings_of(limits.RiskLimits, limits.REQUIRED_IN_LIVE),
    )


def _settings_of(model: Any, required: Sequence[str]) -> str:
    rows = [
        (f"`{name}`", _default_of(field), "yes" if name in required else "")
        for name, field in model.model_fields.items()
    ]
    if required:
        return table(("Key", "Default", "Required in live"), rows)
    return table(("Key", "Default"), [row[:2] for row in rows])


def _default_of(field: Any) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "off"
    if isinstance(value, frozenset | dict):
        words = sorted(str(getattr(item, "value", item)) for item in value)
        return ", ".join(f"`{word}`" for word in words) or "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- Steps -----------------------------------------------------------------------------------------------------------


def steps_page() -> str:
    """Every named step and what is so when it is reached."""
    kinds = (
        ("Submit", steps.SUBMIT),
        ("Event", steps.EVENT),
        ("Cancel", steps.CANCEL),
        ("Replace", steps.REPLACE),
        ("Reconcile", steps.RECONCILE),
        ("Kill switch", steps.KILL),
        ("Vault", steps.VAULT),
        ("Audit", steps.AUDIT),
    )
    blocks: list[str] = []
    for title, named in kinds:
        blocks += [
            f"## {title}",
            table(("Step", "Reached when"), ((f"`{name}`", line) for name, line in named.items())),
        ]
    return page(
        "Steps",
        "The named places at which a process can be killed, stopped or broken on purpose: "
        "[fail-points](../contribute/fail-points.md).",
        *blocks,
    )


# --- Routes ----------------------------------------------------------------------------------------------------------


def routes_page(routers: Iterable[tuple[str, Any]]) -> str:
    """Every route with its operation and first sentence; `routers` are pairs of prefix and router."""
    rows = sorted(
        (prefix + route.path, method, f"`{route.operation_id}`", _sentence(route))
        for prefix, router in routers
        for route in router.routes
        if route.include_in_schema
        for method in sorted(route.methods)
    )
    return page(
        "Routes",
        "Every route of the HTTP door. How it speaks: [REST](rest.md); the whole schema is served at `/openapi.json`.",
        table(("Route", "Operation", "Does"), [(f"`{m} {path}`", op, does) for path, m, op, does in rows]),
    )


def _sentence(route: Any) -> str:
    return doc_of(route.endpoint).split(". ")[0].removesuffix(".") or route.name.replace("_", " ")


def routers() -> list[tuple[str, Any]]:
    """All routers of the API; health and metrics stand outside the versioned part."""
    found: list[tuple[str, Any]] = []
    package = importlib.import_module("floorbroker.api.routes")
    for info in pkgutil.iter_modules(package.__path__, "floorbroker.api.routes."):
        module = importlib.import_module(info.name)
        prefix = "" if info.name.endswith(".system") else "/api/v1"
        found += [(prefix, value) for value in vars(module).values() if type(value).__name__ == "APIRouter"]
    return found


def openapi_text() -> str:
    """The description of the door that a machine reads, whole: what changes for programs is seen in its diff."""
    api, clock = importlib.import_module("floorbroker.api"), importlib.import_module("floorbroker.domain.clock")
    app = api.create_app(desks={}, token=lambda _: None, clock=clock.SystemClock(), version="1")
    return f"{json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True)}\n"


# --- Command line ----------------------------------------------------------------------------------------------------


def command_page(app: Any) -> str:
    """Every verb with its arguments and options, read from the Typer application."""
    main = importlib.import_module("typer.main")
    root = main.get_command(app)
    blocks: list[str] = []
    for path, command in commands(root, ("floorbroker",)):
        blocks += [f"## `{' '.join(path)}`", " ".join((command.help or "").split()), _parameters_of(command)]
    return page(
        "Command line",
        "`floorbroker NOUN VERB`. Results go to standard output, everything else to standard error; "
        "`--json` prints one document with the fields of the REST door. See also [exit codes](exit-codes.md).",
        *(block for block in blocks if block),
    )


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if getattr(command, "hidden", False):
        return
    yield path, command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from commands(child, (*path, name))


def _parameters_of(command: Any) -> str:
    rows = [
        (_name_of(p), "yes" if p.required else "no", _meaning_of(p))
        for p in command.params
        if not getattr(p, "hidden", False) and p.name != "help"
    ]
    return table(("Option", "Required", "Means"), rows) if rows else ""


def _meaning_of(parameter: Any) -> str:
    """The help, the variable that stands in for the option, and the default where it says something."""
    words: list[str] = str(getattr(parameter, "help", None) or "").split()
    if parameter.envvar:
        words.append(f"Also `{parameter.envvar}`.")
    if (
        isinstance(parameter.default, str | int | float)
        and not isinstance(parameter.default, bool)
        and parameter.default
    ):
        words.append(f"Default `{parameter.default}`.")
    return " ".join(words)


def _name_of(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return " ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    return f"`{parameter.metavar or parameter.name.upper()}`"


# --- The lot ---------------------------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Every generated page, by its path below docs/."""
    found = {"reference/errors.md": error_index(), "reference/order-states.md": state_page()}
    found |= {f"reference/errors/{code}.md": error_page(code, classes) for code, classes in own_errors().items()}
    found |= {
        "reference/capabilities.md": capability_page(brokers()),
        "reference/settings.md": settings_page(),
        "reference/steps.md": steps_page(),
        "reference/routes.md": routes_page(routers()),
        "reference/openapi.json": openapi_text(),
        "reference/cli.md": command_page(importlib.import_module("floorbroker.cli.main").app),
    }
    return found


def stale(wanted: dict[str, str]) -> list[str]:
    """Committed pages that differ from the code, and error pages of codes that no longer exist."""
    differing = [name for name, text in wanted.items() if _read(DOCS / name) != text]
    left = [str(p.relative_to(DOCS)) for p in (DOCS / "reference" / "errors").glob("*.md")]
    return sorted([*differing, *(name for name in left if name not in wanted)])


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main(arguments: Sequence[str]) -> int:
    """0 when all is current or was written, 1 when `--check` found stale pages."""
    wanted = pages()
    old = stale(wanted)
    if "--check" in arguments:
        print("\n".join(f"stale: docs/{name}" for name in old) or "reference pages are current")
        return 1 if old else 0
    for name in old:
        path = DOCS / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
        print(f"wrote docs/{name}" if name in wanted else f"removed docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
