"""Under no schedule does the protocol lose or double anything."""

import time

import pytest
from tests.delivery.explorer import DEEP, Explorer, Scenario
from tests.delivery.lab import Lab
from tests.delivery.scenarios import SCENARIOS
from tests.delivery.scenarios_customers import CUSTOMER_SCENARIOS
from tests.delivery.scenarios_hours import HOURS_SCENARIOS
from tests.delivery.scenarios_rebuilds import REBUILD_SCENARIOS
from tests.delivery.scenarios_retention import RETENTION_SCENARIOS
from tests.delivery.scenarios_self_service import SELF_SERVICE_SCENARIOS
from tests.delivery.scenarios_sla import SLA_SCENARIOS

EVERY = (
    *SCENARIOS,
    *HOURS_SCENARIOS,
    *SLA_SCENARIOS,
    *SELF_SERVICE_SCENARIOS,
    *CUSTOMER_SCENARIOS,
    *REBUILD_SCENARIOS,
    *RETENTION_SCENARIOS,
)


# All that mutants are looked for in takes four minutes: a part of it is walked each time, and all
# of it in `make harden`.
PART, FEWEST, SAMPLES = 10, 4, 1


async def walk(lab: Lab, scenario: Scenario, limit: int, samples: int) -> None:
    started = time.monotonic()
    report = await Explorer(lab, scenario).explore(limit=limit, samples=samples)
    print(f"{report} in {time.monotonic() - started:.1f} s")
    assert not report.found, str(report)


@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: scenario.name)
async def test_no_schedule_breaks_an_invariant(lab: Lab, scenario: Scenario) -> None:
    await walk(lab, scenario, max(FEWEST, scenario.limit // PART), SAMPLES)


@pytest.mark.harden
@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: scenario.name)
async def test_nor_does_any_of_many(lab: Lab, scenario: Scenario) -> None:
    await walk(lab, scenario, 20_000 if DEEP else scenario.limit, 300 if DEEP else 30)
