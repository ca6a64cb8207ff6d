"""Everything that is measured can be seen."""

from __future__ import annotations

import json

from minutemend.contract import NAMESPACE, Metric

from tests.unit.infra.conftest import Body, functions, resources
from tests.unit.infra.rendering import plain


def test_the_dashboard_shows_every_metric_of_ours_and_every_function(body: Body) -> None:
    [dashboard] = resources(body, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(plain(dashboard["DashboardBody"]))["widgets"]
    shown = {
        entry[1] for widget in widgets for entry in widget["properties"].get("metrics", []) if entry[0] == NAMESPACE
    }
    assert shown == {metric.value for metric in Metric}
    titles = [widget["properties"]["title"] for widget in widgets]
    assert len(titles) == len(set(titles))
    errors = next(widget for widget in widgets if widget["properties"]["title"] == "Errors")
    assert len(errors["properties"]["metrics"]) == len(functions(body))


def test_the_dashboard_asks_by_the_dimensions_that_the_contract_says(body: Body) -> None:
    """`stage`, and one more where contract.Metric says so."""
    [dashboard] = resources(body, "AWS::CloudWatch::Dashboard").values()
    more = {
        Metric.VENDOR_REQUESTS.value: "vendor",
        Metric.VENDOR_ERRORS.value: "vendor",
        Metric.VENDOR_THROTTLES.value: "vendor",
    }
    for widget in json.loads(plain(dashboard["DashboardBody"]))["widgets"]:
        for entry in widget["properties"].get("metrics", []):
            if entry[0] == NAMESPACE:
                names = {part for part in entry[2:] if part in ("stage", "vendor")}
                assert names == {"stage", *([more[entry[1]]] if entry[1] in more else [])}
