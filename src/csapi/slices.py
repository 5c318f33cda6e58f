"""What the app is made of: each slice gives its operations."""

from csapi.access.outbox import DATA
from csapi.access.people import member_operations as members
from csapi.access.people import operations as people
from csapi.access.providers import operations as providers
from csapi.connect.webhooks import operations as webhooks
from csapi.ingest import attributes, endpoints, schedules, sla
from csapi.kit.openapi_webhooks import Message
from csapi.kit.operations import Operation
from csapi.reports import (
    agents_now,
    batch,
    catalog_endpoints,
    change_endpoints,
    comment_terms,
    content_gaps,
    custom_metrics,
    limits,
    portal,
    records_endpoint,
    saved,
    settings,
    terms,
    versions,
    weight_settings,
)
from csapi.reports import endpoints as reports
from csapi.reports.administration import audit_log, erasures, keys, retention, tenant, usage
from csapi.reports.alerts import endpoints as alerts
from csapi.reports.alerts import event_endpoints as alert_events
from csapi.reports.drivers import endpoints as drivers
from csapi.reports.drivers import referrals
from csapi.reports.evaluations import endpoints as evaluations
from csapi.reports.evaluations import own
from csapi.reports.exports import endpoints as exports
from csapi.reports.goals import endpoints as goals
from csapi.reports.live import endpoints as live
from csapi.reports.menus import endpoints as menus
from csapi.reports.plans import endpoints as plans
from csapi.reports.plans import suggestion_endpoints as suggestions
from csapi.reports.radar import endpoints as radar
from csapi.reports.runs import endpoints as runs
from csapi.reports.runs import reading
from csapi.reports.staffing import endpoints as staffing
from csapi.reports.trust import endpoints as trust
from csapi.reports.uplift import endpoints as uplift

OPERATIONS: tuple[Operation, ...] = (
    *endpoints.OPERATIONS,
    *attributes.OPERATIONS,
    *schedules.OPERATIONS,
    *sla.OPERATIONS,
    *reports.OPERATIONS,
    *catalog_endpoints.OPERATIONS,
    *batch.OPERATIONS,
    *records_endpoint.OPERATIONS,
    *change_endpoints.OPERATIONS,
    *terms.OPERATIONS,
    *limits.OPERATIONS,
    *saved.OPERATIONS,
    *custom_metrics.OPERATIONS,
    *exports.OPERATIONS,
    *runs.OPERATIONS,
    *live.OPERATIONS,
    *portal.OPERATIONS,
    *content_gaps.OPERATIONS,
    *comment_terms.OPERATIONS,
    *agents_now.OPERATIONS,
    *evaluations.OPERATIONS,
    *own.OPERATIONS,
    *drivers.OPERATIONS,
    *referrals.OPERATIONS,
    *plans.OPERATIONS,
    *suggestions.OPERATIONS,
    *menus.OPERATIONS,
    *radar.OPERATIONS,
    *goals.OPERATIONS,
    *alerts.OPERATIONS,
    *alert_events.OPERATIONS,
    *uplift.OPERATIONS,
    *staffing.OPERATIONS,
    *settings.OPERATIONS,
    *versions.OPERATIONS,
    *weight_settings.OPERATIONS,
    *trust.OPERATIONS,
    *webhooks.OPERATIONS,
    *keys.OPERATIONS,
    *audit_log.OPERATIONS,
    *usage.OPERATIONS,
    *tenant.OPERATIONS,
    *erasures.OPERATIONS,
    *retention.OPERATIONS,
    *people.OPERATIONS,
    *providers.OPERATIONS,
)

MESSAGES: tuple[Message, ...] = tuple(
    Message(type_.value, data, webhooks.MESSAGES_TAG) for type_, data in DATA.items()
)

TAGS = {
    endpoints.TAG: "Push tickets, calls, feedback, self-service and the people behind them; read "
    "them back. Sending anything twice, late or out of order is safe.",
    attributes.TAG: "Attributes of your own as dimensions.",
    schedules.TAG: "Schedules are records like any other; here is what they need besides.",
    sla.TAG: "Policies are records like any other; here is what they need besides.",
    reports.QUERY_TAG: "Every number is exact, carries its parts and sample size, and comes from "
    "one definition.",
    custom_metrics.TAG: "Formulas of your own over the metrics of the catalog.",
    exports.TAG: "Large answers as files, made in the background.",
    reading.TAG: "Sets of questions that are asked together, by hand or by a schedule, and whose "
    "answers are kept as they were.",
    goals.TAG: "Where metrics are to be by when, and whether they get there; alerts where one "
    "moves the wrong way or out of its usual range; what annotated events changed.",
    webhooks.TAG: webhooks.TAG_TEXT,
    members.TAG: members.TAG_TEXT,
    webhooks.MESSAGES_TAG: webhooks.MESSAGES_TEXT,
    portal.TAG: "What pages need to ask for themselves, without a key in them.",
    keys.TAG: "The tenant, its keys, who did what, how much was sent, and how long it is kept.",
    erasures.TAG: "People who ask to be forgotten: what goes, what stays, and the receipt.",
    settings.TAG: "Which variant of a definition holds from which day on, and how small a group is "
    "shown.",
}
