"""The dashboard and the alert rules ask for metrics that the desk has, with the labels and in the form that it has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "monitoring"
PAGE = ROOT / "docs" / "reference" / "metrics.md"
NAME = re.compile(r"floorbroker_[a-z_]+")
ROW = re.compile(
    r"^\| `(?P<name>[a-z_]+)` \| (?P<kind>counter|gauge|histogram)[^|]*\|(?P<labels>[^|]*)\|", re.MULTILINE
)
SELECTED = re.compile(r"(?P<metric>floorbroker_[a-z_]+)\{(?P<labels>[^}]*)\}")
COMMON = frozenset({"profile", "environment", "job", "instance"})


@dataclass(frozen=True, slots=True)
class Known:
    """A metric as Prometheus shows it."""

    names: frozenset[str]
    labels: frozenset[str]


def shown_as(name: str, kind: str) -> set[str]:
    full = f"floorbroker_{name}"
    if kind == "counter":
        return {full if full.endswith("_total") else f"{full}_total"}
    return {f"{full}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {full}


def metrics(page: str) -> dict[str, Known]:
    """Every name that the page of metrics promises, as it is scraped, with its labels."""
    found: dict[str, Known] = {}
    for row in ROW.finditer(page):
        labels = frozenset(re.findall(r"[a-z_]+", row["labels"])) | COMMON
        names = frozenset(shown_as(row["name"], row["kind"]))
        found |= {name: Known(names, labels) for name in names}
    return found


def strange(expression: str, known: dict[str, Known]) -> list[str]:
    """Metrics that nobody measures, and labels that a metric does not have."""
    odd = [name for name in NAME.findall(expression) if name not in known]
    for match in SELECTED.finditer(expression):
        labels = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", match["labels"]))
        allowed = known[match["metric"]].labels if match["metric"] in known else labels
        odd += [f"{match['metric']}{{{label}}}" for label in sorted(labels - allowed)]
    return odd


def dashboard() -> dict[str, Any]:
    return json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    return metrics(PAGE.read_text(encoding="utf-8"))


def test_every_panel_asks_for_what_is_measured(known: dict[str, Known]) -> None:
    asked = {panel["title"]: [t["expr"] for t in panel["targets"]] for panel in panels()}
    assert len(asked) > 25
    assert {
        title: odd for title, exprs in asked.items() if (odd := [o for e in exprs for o in strange(e, known)])
    } == {}
    assert all(NAME.search(expression) for exprs in asked.values() for expression in exprs)


def test_every_alert_asks_for_what_is_measured(known: dict[str, Known]) -> None:
    assert {rule["alert"]: odd for rule in rules() if (odd := strange(rule["expr"], known))} == {}


def test_every_metric_of_the_page_is_measured_somewhere() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "floorbroker").rglob("*.py"))
    named = [row["name"] for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    assert len(named) > 40
    written = {
        name: {f'"{name}"', f'"{name.removesuffix("_total")}"', f"{{PREFIX}}{name.removesuffix('_total')}"}
        for name in named
    }
    assert [name for name, spellings in written.items() if not any(one in source for one in spellings)] == []


def test_the_dashboard_chooses_by_what_profiles_are_called(known: dict[str, Known]) -> None:
    listed = [v for v in dashboard()["templating"]["list"] if v["type"] == "query"]
    assert [v["name"] for v in listed] == ["environment", "profile"]
    assert [odd for v in listed for odd in strange(v["query"]["query"], known)] == []


def test_panels_have_a_place_each_and_numbers_of_their_own() -> None:
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    cells = [
        (x, y)
        for panel in every
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_alert_says_how_urgent_it_is_and_where_to_read_on() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert (ROOT / "docs" / rule["annotations"]["runbook"]).is_file(), rule["alert"]


@pytest.mark.parametrize(
    ("expression", "odd"),
    [
        ("floorbroker_orders_total", []),
        ("floorbroker_orders", ["floorbroker_orders"]),
        ("floorbroker_submit_seconds", ["floorbroker_submit_seconds"]),
        ("floorbroker_health_score_total", ["floorbroker_health_score_total"]),
        ('floorbroker_orders_total{colour="red"}', ["floorbroker_orders_total{colour}"]),
        ('rate(floorbroker_http_requests_total{status=~"5.."}[5m])', []),
    ],
)
def test_a_name_or_label_that_is_none_is_seen(expression: str, odd: list[str], known: dict[str, Known]) -> None:
    assert strange(expression, known) == odd
