"""What can be asked of the menus, as query parameters."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from csapi.facts.customer import CustomerType
from csapi.metrics.catalog.contacts import MATCH, WINDOW_DAYS
from csapi.reports.ordering import Name
from csapi.reports.pages import Cursor
from csapi.reports.work_params import Values, WorkParams


class ConversationsBy(StrEnum):
    """What conversations are told apart by: the class of the customer, as it was or is now, or
    where and by whom they were held."""

    segment = "segment"
    current_segment = "current.segment"
    customer_type = "customer.type"
    customer_registered = "customer.registered"
    customer_tag = "customer.tag"
    inbox = "inbox"
    team = "team"
    tag = "tag"
    channel = "channel"


class MenuParams(WorkParams, kw_only=True):
    """Which contacts."""

    segment: Annotated[Values, Meta(description="Customers of these segments alone")] = (
        msgspec.field(default_factory=list)
    )
    tag: Annotated[Values, Meta(description="With one of these tags alone")] = msgspec.field(
        default_factory=list
    )

    @property
    def only(self) -> Mapping[str, Sequence[str]]:
        """The members to keep of each dimension."""
        return {"segment": self.segment, "tag": self.tag}


class ConversationsParams(MenuParams, kw_only=True):
    """By what, and in which order."""

    team: Annotated[Values, Meta(description="Work of these teams alone")] = msgspec.field(
        default_factory=list
    )

    by: Annotated[ConversationsBy, Meta(description="A row for each of its members")] = (
        ConversationsBy.segment
    )
    sort: Annotated[
        Name,
        Meta(
            description="`member` or a metric of the answer; with `-` in front the largest first. "
            "Null is last either way"
        ),
    ] = "-contacts"
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None

    @property
    def only(self) -> Mapping[str, Sequence[str]]:
        return {**super().only, "team": self.team}


class ContactsSort(StrEnum):
    """The order of customers; with `-` in front the largest or latest first."""

    contacts = "contacts"
    most_contacts = "-contacts"
    first_contact = "first_contact"
    latest_first_contact = "-first_contact"
    last_contact = "last_contact"
    latest_contact = "-last_contact"


class ContactsParams(MenuParams, kw_only=True):
    """Which customers, and what a repeated contact is."""

    type: Annotated[CustomerType | None, Meta(description="Only persons, or only companies")] = None
    registered: Annotated[
        bool | None, Meta(description="Only customers who are registered now, or who are not")
    ] = None
    min: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="List customers with so many contacts within `window_days`; 3 and 7 days: "
            "who came three times in a week",
        ),
    ] = 1
    window_days: Annotated[
        int,
        Meta(ge=1, le=365, description="How many days back a contact is a repeat"),
    ] = int(WINDOW_DAYS.default)
    match: Annotated[
        Literal["customer", "customer_and_topic"],
        Meta(description=MATCH.description),
    ] = "customer"
    sort: Annotated[ContactsSort, Meta(description="The order of customers")] = (
        ContactsSort.most_contacts
    )
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None

    @property
    def only(self) -> Mapping[str, Sequence[str]]:
        registered = [] if self.registered is None else [str(self.registered).lower()]
        return {
            **super().only,
            "customer.type": [] if self.type is None else [self.type.value],
            "customer.registered": registered,
        }
