"""Every operation answers whatever is sent to it: never with a 5xx, never with another's data.

Requests are made from the document by schemathesis: such as it allows, and such as it forbids.
`make test` sends one to each operation, of one kind and then of the other; `make harden` many.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.generation import GenerationMode
from tests.clients.tools import DOCUMENT
from tests.conftest import IS_LARGE, Product, Tenant
from tests.isolation import replay
from tests.isolation.keys import new_tenant_client

pytestmark = pytest.mark.deep
# A stream does not end, and is looked at apart (tests/reports/test_live_stream.py).
ENDLESS = ("streamLive",)
CANARIES = (replay.CANARY, replay.CANARY.replace("-", "_"))
SETTINGS = hypothesis.settings(
    max_examples=60 if IS_LARGE else 1,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=tuple(HealthCheck),
)


def declared() -> dict[str, Any]:
    """The operations of the document by their ids."""
    schema = schemathesis.openapi.from_path(DOCUMENT)
    found = (cast("Any", result).ok() for result in schema.get_all_operations())
    return {each.definition.raw["operationId"]: each for each in found}


OPERATIONS = {name: each for name, each in declared().items() if name not in ENDLESS}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
ATTACKS = [
    (name, mode)
    for number, name in enumerate(OPERATIONS)
    for mode in (MODES if IS_LARGE else MODES[number % 2 :][:1])
]


@pytest.fixture(scope="module")
def hostile(product: Product) -> Iterator[Tenant]:
    """A fresh tenant, beside one whose data must never show."""
    owner, tenant = new_tenant_client(product), new_tenant_client(product)
    replay.fill(owner.http)
    yield tenant
    owner.http.close()
    tenant.http.close()


def judge(case: Any, tenant: Tenant) -> None:
    headers = {"Authorization": f"Bearer {tenant.key}"}
    answer = case.call(base_url=str(tenant.http.base_url), headers=headers, timeout=30)
    sent = case.as_curl_command(headers)
    assert answer.status_code < 500, f"{answer.status_code} {answer.text}\n{sent}"
    assert not any(canary in answer.text for canary in CANARIES), sent
    if answer.status_code >= 400 and answer.content:
        body = json.loads(answer.text)
        assert body["status"] == answer.status_code, sent
        assert body["code"] != "internal_error", sent


@pytest.mark.parametrize(("name", "mode"), ATTACKS, ids=lambda part: getattr(part, "value", part))
def test_an_operation_answers(name: str, mode: GenerationMode, hostile: Tenant) -> None:
    strategy = OPERATIONS[name].as_strategy(generation_mode=mode)

    @SETTINGS
    @hypothesis.given(strategy)
    def attack(case: Any) -> None:
        judge(case, hostile)

    try:
        cast("Any", attack)()
    except hypothesis.errors.Unsatisfiable:
        pytest.skip("nothing of this kind can be made")
