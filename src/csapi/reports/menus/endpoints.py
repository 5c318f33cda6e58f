"""The menus: the endpoints."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.kit.http import Response
from csapi.kit.operations import AnyRequest, Media, Operation, params_of, path_of
from csapi.reports.encoders import CSV
from csapi.reports.endpoints import QUERY_TAG, SPOKEN, desk_of
from csapi.reports.menus.contacts import ContactList, contacts
from csapi.reports.menus.conversations import ConversationList, conversations
from csapi.reports.menus.encoders import (
    CONTACTS_FORM,
    CONVERSATIONS_FORM,
    JOURNEY_FORM,
    encoded_contacts,
    encoded_conversations,
    encoded_journey,
)
from csapi.reports.menus.examples import (
    CONTACTS_EXAMPLE,
    CONVERSATIONS_EXAMPLE,
    JOURNEY_EXAMPLE,
)
from csapi.reports.menus.journey import journey
from csapi.reports.menus.params import ContactsParams, ConversationsParams
from csapi.reports.menus.steps import Journey, JourneyParams

HEADERS = (*SPOKEN, "X-Next-Cursor")


class CustomerPath(msgspec.Struct, kw_only=True):
    customer_id: Annotated[UUID, Meta(description="Our id of the customer")]


async def get_conversations(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ConversationsParams)
    desk = desk_of(request, principal)
    found = await conversations(desk, wanted)
    return encoded_conversations(found, request.headers.get("accept"), desk.language)


async def get_contacts(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ContactsParams)
    desk = desk_of(request, principal)
    found = await contacts(desk, wanted)
    return encoded_contacts(found, request.headers.get("accept"), desk.language)


async def get_journey(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, JourneyParams)
    customer_id = path_of(request, CustomerPath).customer_id
    desk = desk_of(request, principal)
    found = await journey(desk, customer_id, wanted)
    return encoded_journey(found, request.headers.get("accept"), desk.language)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/conversations",
        operation_id="getConversations",
        summary="Conversations and ratings by customer class, inbox, team, tag or channel",
        description="For each member how many contacts there were, how they were rated, with the "
        "number of each rating, and how many of those asked have answered; each beside the range "
        "before, with a verdict. By tag rows overlap: totals are not their sum.",
        tag=QUERY_TAG,
        handler=get_conversations,
        scope=Scope.REPORTS_READ,
        params=ConversationsParams,
        responses={
            200: Media(
                body=ConversationList,
                texts={CSV: CONVERSATIONS_FORM},
                headers=HEADERS,
                example=CONVERSATIONS_EXAMPLE,
            )
        },
        problems=(
            "invalid_cursor",
            "snapshot_moved",
            "query_timeout",
            "too_many_queries",
            "range_too_long",
        ),
    ),
    Operation(
        method="GET",
        path="/v1/contacts",
        operation_id="getContacts",
        summary="Who turns to us",
        description="Persons and companies, registered or not: how many opened new conversations "
        "and how many wrote, contacts per customer and repeated ones; and the customers "
        "themselves with their first and last contact. `min`, `window_days` and `match` list those "
        "who came again and again. Names need the scope `names:read` besides.",
        tag=QUERY_TAG,
        handler=get_contacts,
        scope=Scope.REPORTS_READ,
        params=ContactsParams,
        responses={
            200: Media(
                body=ContactList,
                texts={CSV: CONTACTS_FORM},
                headers=HEADERS,
                example=CONTACTS_EXAMPLE,
            )
        },
        problems=("invalid_cursor", "query_timeout", "too_many_queries", "range_too_long"),
    ),
    Operation(
        method="GET",
        path="/v1/customers/{customer_id}/journey",
        operation_id="getCustomerJourney",
        summary="One customer's journey",
        description="Every ticket, call, survey, form, session without an agent and act in the "
        "knowledge base of a customer in the order of time, whichever of its merged records they "
        "name, each with the record that GET /v1/{resource}/{id} reads. What left the numbers, "
        "such as tests and spam, is not in it. The name needs the scope `names:read` besides.",
        tag=QUERY_TAG,
        handler=get_journey,
        scope=Scope.RECORDS_READ,
        params=JourneyParams,
        path_params=CustomerPath,
        responses={
            200: Media(
                body=Journey,
                texts={CSV: JOURNEY_FORM},
                headers=HEADERS,
                example=JOURNEY_EXAMPLE,
            )
        },
        problems=("invalid_cursor", "query_timeout", "too_many_queries", "unknown_timezone"),
    ),
]
