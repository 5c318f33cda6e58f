"""The menus as tables: the same rows and numbers as in JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from csapi.kit.http import Response
from csapi.kit.language import Language
from csapi.reports.encoders import (
    compared_header,
    table_or_json,
    value_cells,
    value_header,
)
from csapi.reports.menus.contacts import ContactList
from csapi.reports.menus.conversations import METRICS, ConversationList, RatingShare
from csapi.reports.menus.customers import CustomerRef
from csapi.reports.menus.steps import Journey, JourneyEntry

CONVERSATIONS_FORM = (
    "The same rows as a table: `row` (data or totals), the member and its label, each metric with "
    "its parts and the range before, and `rating.<value>` with the number of such ratings. The "
    "next page's cursor is in the header `x-next-cursor`."
)
CONTACTS_FORM = (
    "The customers as a table: their ids and name, the first and the last contact, then each "
    "metric with its parts. The next page's cursor is in the header `x-next-cursor`."
)
JOURNEY_FORM = (
    "The same steps as a table, a line each; `record` and `ticket` are their resource, our id, "
    "their source and its id. The next page's cursor is in the header `x-next-cursor`."
)
VALUE = value_header(with_intervals=True)
COMPARED = compared_header(VALUE)
PLAIN = value_header(with_intervals=False)
CUSTOMER = tuple(CustomerRef.__struct_fields__)
RECORD = ("resource", "id", "source", "external_id")
STEP = tuple(name for name in JourneyEntry.__struct_fields__ if name not in ("record", "ticket"))


def encoded_conversations(
    found: ConversationList, accept: str | None, language: Language
) -> Response:
    table = conversation_lines(found)
    return table_or_json(found, table, accept, language, found.page.next_cursor)


def conversation_lines(found: ConversationList) -> Iterator[list[Any]]:
    shares = [*(row.ratings for row in found.data), found.totals.ratings]
    ratings = sorted({each.rating for one in shares for each in one}, key=float)
    names = ["row", "member", "label", *(name + part for name in METRICS for part in COMPARED)]
    yield [*names, *(f"rating.{each}" for each in ratings)]
    for row in found.data:
        cells = [cell for name in METRICS for cell in value_cells(row.metrics[name])]
        yield ["data", row.member.key, row.member.label, *cells, *counts(row.ratings, ratings)]
    if found.totals.metrics:
        cells = [cell for name in METRICS for cell in value_cells(found.totals.metrics[name])]
        yield ["totals", None, None, *cells, *counts(found.totals.ratings, ratings)]


def counts(shares: Sequence[RatingShare], ratings: Sequence[str]) -> list[int | None]:
    """How many of each rating there are; none of one that nobody gave."""
    known = {each.rating: each.count for each in shares}
    return [known.get(each, 0) for each in ratings]


def encoded_contacts(found: ContactList, accept: str | None, language: Language) -> Response:
    return table_or_json(found, contact_lines(found), accept, language, found.page.next_cursor)


def contact_lines(found: ContactList) -> Iterator[list[Any]]:
    metrics = list(found.data[0].metrics) if found.data else []
    names = [*CUSTOMER, "first_contact_at", "last_contact_at"]
    yield [*names, *(name + part for name in metrics for part in PLAIN)]
    for row in found.data:
        cells = [getattr(row.customer, name) for name in CUSTOMER]
        cells += [row.first_contact_at, row.last_contact_at]
        yield [*cells, *(cell for name in metrics for cell in value_cells(row.metrics[name]))]


def encoded_journey(found: Journey, accept: str | None, language: Language) -> Response:
    return table_or_json(found, journey_lines(found), accept, language, found.page.next_cursor)


def journey_lines(found: Journey) -> Iterator[list[Any]]:
    yield [*STEP, *(f"{name}.{part}" for name in ("record", "ticket") for part in RECORD)]
    for each in found.data:
        cells = [getattr(each, name) for name in STEP]
        for ref in (each.record, each.ticket):
            cells += [None if ref is None else getattr(ref, part) for part in RECORD]
        yield cells
