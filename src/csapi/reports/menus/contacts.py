"""Who turns to us: persons and companies, registered or not, and each customer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.question import Condition, MemberGroup, Question, Test
from csapi.reports.layouts import DimensionValue
from csapi.reports.menus.customers import (
    ChosenCustomer,
    CustomerRef,
    read_page,
    read_refs,
)
from csapi.reports.menus.params import ContactsParams
from csapi.reports.narrowing import narrowed
from csapi.reports.schemas import (
    LARGEST_PAGE,
    MetricRequest,
    MetricValue,
    QueryMeta,
    QueryPage,
)
from csapi.reports.service import (
    Desk,
    Snapshot,
    read_answer,
    resolved,
    slowness_told,
    snapshot_of,
)
from csapi.reports.telling import Teller
from csapi.reports.work_params import PREVIOUS, query_of, told_by_parameter

TYPE, REGISTERED = "customer.type", "customer.registered"
CUSTOMER = MemberGroup("customer", DIMENSIONS["customer"])
HIDDEN = (
    "customers are not listed: the tenant hides numbers about few customers, and one customer is "
    "few; a key with admin:write sees them"
)


class ContactClass(msgspec.Struct, kw_only=True):
    """The customers of one type, registered or not: what they are now. Null where the source does
    not say. Each number is held against the range before."""

    type: DimensionValue
    registered: DimensionValue
    metrics: dict[str, MetricValue]


class ContactCustomer(msgspec.Struct, kw_only=True):
    """A customer with the contacts of the range that are asked for."""

    customer: CustomerRef
    first_contact_at: Annotated[UtcDatetime, Meta(description="Of these contacts")]
    last_contact_at: UtcDatetime
    metrics: dict[str, MetricValue]


class ContactList(msgspec.Struct, kw_only=True):
    """`classes`: all customers by type and registration; `totals`: all of them at once, those who
    are not known included where a number can tell. `data`: the customers themselves, those that
    were merged as one; contacts that name no customer are in `totals` alone."""

    classes: list[ContactClass]
    totals: dict[str, MetricValue]
    data: list[ContactCustomer]
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    page: QueryPage
    meta: QueryMeta


def requests_of(wanted: ContactsParams) -> tuple[list[MetricRequest], list[MetricRequest]]:
    """The metrics of classes, and those of single customers."""
    params = {"window_days": wanted.window_days, "match": wanted.match}
    repeats = MetricRequest(id="repeat_contacts", params=params)
    rate = MetricRequest(id="repeat_contact_rate", params=params)
    plain = (
        "contacts",
        "customers_with_new_conversations",
        "customers_who_wrote",
        "first_time_customers",
        "contacts_per_customer",
        "unidentified_contacts",
        "messages_in",
    )
    everybody = [*(MetricRequest(id=each) for each in plain), repeats, rate]
    return everybody, [MetricRequest(id="contacts"), repeats, MetricRequest(id="messages_in")]


async def contacts(desk: Desk, wanted: ContactsParams) -> ContactList:
    """Classes and a page of customers, from one snapshot. Raises Problem."""
    of_classes, of_customers = requests_of(wanted)
    query = query_of(wanted, of_classes, [TYPE, REGISTERED], PREVIOUS, wanted.only)
    query = msgspec.structs.replace(query, limit=LARGEST_PAGE)
    async with snapshot_of(desk) as snapshot:
        with slowness_told(), told_by_parameter("/from"):
            asked = await resolved(snapshot, query)
            found = await read_answer(snapshot, query, asked)
            page, cursor = await listed(snapshot, wanted, of_customers, found.meta)
    period = asked.question.period
    return ContactList(
        classes=[
            ContactClass(
                type=row.dimensions[TYPE],
                registered=row.dimensions[REGISTERED],
                metrics=row.metrics,
            )
            for row in found.data
        ],
        totals=found.totals or {},
        data=page,
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        page=QueryPage(next_cursor=cursor),
        meta=found.meta,
    )


async def listed(
    snapshot: Snapshot,
    wanted: ContactsParams,
    metrics: Sequence[MetricRequest],
    meta: QueryMeta,
) -> tuple[list[ContactCustomer], str | None]:
    """A page of customers and the cursor of the next; nobody where a single one may not be seen."""
    if await snapshot.smallest_group() is not None:
        meta.warnings.append(HIDDEN)
        return [], None
    query = query_of(wanted, metrics, only=wanted.only)
    query = msgspec.structs.replace(query, include=[])
    question = (await resolved(snapshot, query)).question
    chosen, cursor = await read_page(snapshot, wanted, question)
    if not chosen:
        return [], cursor
    return await told(snapshot, question, chosen), cursor


async def told(
    snapshot: Snapshot, question: Question, chosen: Sequence[ChosenCustomer]
) -> list[ContactCustomer]:
    """The customers that were chosen with their numbers, in their order."""
    members = tuple(each.customer for each in chosen)
    only = Condition(test=Test(CUSTOMER.dimension, members))
    question = replace(narrowed(question, only), groups=(CUSTOMER,))
    reading = await snapshot.read(question)
    groups = {group.keys[0]: group for group in reading.groups}
    refs = await read_refs(snapshot, members)
    teller = Teller(question, None, with_intervals=False)
    own = [
        groups.get(each.customer) or reading.nothing(question, (each.customer,)) for each in chosen
    ]
    cells = teller.cells([(group, None) for group in own])
    return [
        ContactCustomer(
            customer=refs[each.customer],
            first_contact_at=each.first_at,
            last_contact_at=each.last_at,
            metrics=metrics,
        )
        for each, metrics in zip(chosen, cells, strict=True)
    ]
