"""Dashboards and alerts ask for what there is, and what there is is asked for."""

import json
import math
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from adapters.telemetry.metrics import PREFIX, Metrics
from tests.deploy.code import DEPLOY

OBSERVABILITY = DEPLOY / "observability"
ALERTS = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())
DASHBOARD = json.loads((OBSERVABILITY / "grafana" / "dashboards" / "order-service.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]

OF_THE_LIBRARY = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
OF_PROMETHEUS = {"job", "instance"}
OF_SUFFIXES = {"_bucket": {"le"}, "_count": set(), "_sum": set(), "_total": set(), "": set()}


def expressions() -> Iterator[str]:
    for rule in RULES:
        yield rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")


def labels_of_metrics() -> dict[str, set[str]]:
    """By every name under which a metric can be asked for."""
    found: dict[str, set[str]] = {}
    for metric in vars(Metrics()).values():
        if not hasattr(metric, "_labelnames"):
            continue
        suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}[metric._type]
        for suffix in suffixes:
            found[metric._name + suffix] = {*metric._labelnames, *OF_SUFFIXES[suffix]}
    return found


def selectors(expression: Any) -> Iterator[tuple[str, set[str]]]:
    """The name and the labels of each metric that is asked for."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield str(expression.name), {matcher.name for matcher in expression.matchers.matchers}
    for part in ("lhs", "rhs", "expr", "vector_selector", "vs"):
        inner = getattr(expression, part, None)
        if inner is not None:
            yield from selectors(inner)
    for inner in getattr(expression, "args", ()):
        yield from selectors(inner)


def groupings(expression: Any) -> Iterator[tuple[set[str], set[str]]]:
    """What a sum is made by, and of which metrics."""
    modifier = getattr(expression, "modifier", None)
    if isinstance(expression, promql_parser.AggregateExpr) and modifier is not None:
        yield set(modifier.labels), {name for name, _ in selectors(expression)}
    for part in ("lhs", "rhs", "expr"):
        inner = getattr(expression, part, None)
        if inner is not None:
            yield from groupings(inner)
    for inner in getattr(expression, "args", ()):
        yield from groupings(inner)


@pytest.mark.parametrize("text", sorted(set(expressions())))
def test_an_expression_asks_for_what_there_is(text: str) -> None:
    known = labels_of_metrics()
    parsed = promql_parser.parse(text)
    asked = list(selectors(parsed))
    assert asked
    for name, labels in asked:
        assert name in known or name in OF_THE_LIBRARY
        assert labels - known.get(name, set()) - OF_PROMETHEUS == set()
    for labels, names in groupings(parsed):
        for name in names:
            assert labels - known.get(name, set()) - OF_PROMETHEUS == set()


def test_everything_that_is_counted_is_looked_at() -> None:
    asked = {name for text in expressions() for name, _ in selectors(promql_parser.parse(text))}
    unasked = {
        metric._name
        for metric in vars(Metrics()).values()
        if hasattr(metric, "_labelnames") and not any(name.startswith(metric._name) for name in asked)
    }
    assert unasked == set()


def test_every_name_says_whose_it_is_and_has_an_explanation() -> None:
    for family in Metrics().registry.collect():
        assert family.name.startswith(f"{PREFIX}_")
        assert family.documentation.endswith(".")


def test_what_only_a_scheduler_knows_is_not_a_number_elsewhere() -> None:
    found = {
        family.name: family.samples[0].value
        for family in Metrics().registry.collect()
        if family.documentation.endswith("Not a number while nobody can tell.") and family.samples
    }
    assert len(found) == 4
    assert all(map(math.isnan, found.values()))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_is_and_where_to_read_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["alert"].startswith("OrderService")
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_each_panel_asks_prometheus_and_has_a_place_of_its_own() -> None:
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert all(panel["datasource"]["uid"] == "prometheus" for panel in panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(places) == len(set(places))
