"""Under no schedule does the protocol lose or double anything."""

import time

import pytest
from tests.delivery.explorer import DEEP, Explorer, Scenario
from tests.delivery.lab import Lab
from tests.delivery.scenarios import SCENARIOS
from tests.delivery.scenarios_customers import CUSTOMER_SCENARIOS
from tests.delivery.scenarios_hours import HOURS_SCENARIOS
from tests.delivery.scenarios_rebuilds import REBUILD_SCENARIOS
from tests.delivery.scenarios_self_service import SELF_SERVICE_SCENARIOS
from tests.delivery.scenarios_sla import SLA_SCENARIOS

EVERY = (
    *SCENARIOS,
    *HOURS_SCENARIOS,
    *SLA_SCENARIOS,
    *SELF_SERVICE_SCENARIOS,
    *CUSTOMER_SCENARIOS,
    *REBUILD_SCENARIOS,
)


@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: scenario.name)
async def test_no_schedule_breaks_an_invariant(lab: Lab, scenario: Scenario) -> None:
    started = time.monotonic()
    # All that mutants are looked for in takes four minutes: a third of it is walked each time.
    limit = 20_000 if DEEP else scenario.limit // 3
    report = await Explorer(lab, scenario).explore(limit=limit, samples=300 if DEEP else 5)
    print(f"{report} in {time.monotonic() - started:.1f} s")
    assert not report.found, str(report)
