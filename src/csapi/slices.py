"""What the app is made of: each slice gives its operations."""

from csapi.ingest import attributes, endpoints, schedules
from csapi.kit.operations import Operation
from csapi.reports import batch, settings, terms, versions
from csapi.reports import endpoints as reports

OPERATIONS: tuple[Operation, ...] = (
    *endpoints.OPERATIONS,
    *attributes.OPERATIONS,
    *schedules.OPERATIONS,
    *reports.OPERATIONS,
    *batch.OPERATIONS,
    *terms.OPERATIONS,
    *settings.OPERATIONS,
    *versions.OPERATIONS,
)

TAGS = {
    endpoints.TAG: "Push tickets, calls, feedback, self-service and the people behind them; read "
    "them back. Sending anything twice, late or out of order is safe.",
    attributes.TAG: "Attributes of your own as dimensions.",
    schedules.TAG: "Schedules are records like any other; here is what they need besides.",
    reports.QUERY_TAG: "Every number is exact, carries its parts and sample size, and comes from "
    "one definition.",
    settings.TAG: "Which variant of a definition holds from which day on, and how small a group is "
    "shown.",
}
