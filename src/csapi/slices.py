"""What the app is made of: each slice gives its operations."""

from csapi.ingest import attributes, endpoints
from csapi.kit.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *endpoints.OPERATIONS,
    *attributes.OPERATIONS,
)

TAGS = {
    endpoints.TAG: "Push tickets, calls, feedback and the people behind them; read them back. "
    "Sending anything twice, late or out of order is safe.",
    attributes.TAG: "Attributes of your own as dimensions.",
}
