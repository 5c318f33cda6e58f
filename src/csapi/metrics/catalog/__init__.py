"""THE list of metrics. One entry each; validation, SQL, endpoints, documentation and the laws in
tests/metrics all derive from it."""

from csapi.metrics.catalog.calls import CALL_METRICS
from csapi.metrics.catalog.contacts import CONTACT_METRICS
from csapi.metrics.catalog.feedback import FEEDBACK_METRICS
from csapi.metrics.catalog.self_service import SELF_SERVICE_METRICS
from csapi.metrics.catalog.tickets import TICKET_METRICS
from csapi.metrics.formulas import Metric

METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        *TICKET_METRICS,
        *CALL_METRICS,
        *FEEDBACK_METRICS,
        *CONTACT_METRICS,
        *SELF_SERVICE_METRICS,
    )
}
