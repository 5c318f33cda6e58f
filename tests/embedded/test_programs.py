"""What csapi's own processes are told."""

import pytest

from csapi.embedded.programs import Setting, worker_service


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({}, None),
        ({"CSAPI_METRICS_PORT": "0"}, "0"),
        ({"CSAPI_METRICS_PORT": "9100"}, "9101"),
        ({"CSAPI_METRICS_PORT": "9100", "CSAPI_API_WORKERS": "3"}, "9103"),
    ],
)
def test_the_worker_tells_metrics_after_the_api(environ: dict[str, str], port: str | None) -> None:
    service = worker_service(["csapi"], Setting(environ), database_url="d", redis_url="r")
    assert service.launch().env.get("CSAPI_METRICS_PORT") == port
