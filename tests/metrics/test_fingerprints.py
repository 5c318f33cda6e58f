"""A definition does not change without a new version."""

import json
from pathlib import Path

import pytest

from csapi.metrics.catalog import METRICS
from csapi.metrics.fingerprints import cases, fingerprint
from csapi.metrics.metric import Metric

# Metric -> version, and the fingerprint of the formula by each choice. New metrics and new choices
# may be added at any time: python -m tests.metrics.test_fingerprints
KNOWN = Path(__file__).with_name("definitions.json")
EVERY = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.id)


@EVERY
def test_a_changed_definition_is_a_new_version(metric: Metric) -> None:
    known = json.loads(KNOWN.read_text()).get(metric.id)
    if known is None or known["version"] != metric.version:
        return
    found = cases(metric)
    changed = {case for case, name in known["cases"].items() if found.get(case) != name}
    assert changed == set(), f"{metric.id} says another thing: give it a version and a change"


@EVERY
def test_versions_follow_each_other(metric: Metric) -> None:
    versions = [*(each.version for each in metric.history), metric.version]
    assert versions == [str(number) for number in range(1, len(versions) + 1)]
    days = [*(each.since for each in metric.history), metric.since]
    assert days[0] is None
    known = [day for day in days[1:] if day is not None]
    assert len(known) == len(days) - 1
    assert known == sorted(known)
    assert metric.change
    assert fingerprint(metric) not in {each.fingerprint for each in metric.history}


if __name__ == "__main__":
    told = {
        metric.id: {"version": metric.version, "cases": cases(metric)}
        for metric in METRICS.values()
    }
    KNOWN.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
