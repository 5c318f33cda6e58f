"""THE list of metrics. One entry each; validation, SQL, endpoints, documentation and the laws in
tests/metrics all derive from it."""

from csapi.metrics.catalog.calls import CALL_METRICS
from csapi.metrics.catalog.contacts import CONTACT_METRICS
from csapi.metrics.catalog.costs import COST_METRICS
from csapi.metrics.catalog.customers import CUSTOMER_METRICS
from csapi.metrics.catalog.feedback import FEEDBACK_METRICS
from csapi.metrics.catalog.people import PEOPLE_METRICS
from csapi.metrics.catalog.quality import QUALITY_METRICS
from csapi.metrics.catalog.self_service import SELF_SERVICE_METRICS
from csapi.metrics.catalog.sla import SLA_METRICS
from csapi.metrics.catalog.tasks import TASK_METRICS
from csapi.metrics.catalog.ticket_flow import TICKET_FLOW_METRICS
from csapi.metrics.catalog.ticket_speed import TICKET_SPEED_METRICS
from csapi.metrics.catalog.ticket_state import TICKET_STATE_METRICS
from csapi.metrics.catalog.tickets import TICKET_METRICS
from csapi.metrics.catalog.work import WORK_METRICS
from csapi.metrics.metric import Metric

METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        *TICKET_METRICS,
        *TICKET_SPEED_METRICS,
        *TICKET_FLOW_METRICS,
        *TICKET_STATE_METRICS,
        *CALL_METRICS,
        *FEEDBACK_METRICS,
        *CONTACT_METRICS,
        *CUSTOMER_METRICS,
        *QUALITY_METRICS,
        *TASK_METRICS,
        *PEOPLE_METRICS,
        *WORK_METRICS,
        *SELF_SERVICE_METRICS,
        *COST_METRICS,
        *SLA_METRICS,
    )
}
