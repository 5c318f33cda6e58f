"""Declaring custom attributes over HTTP."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import NoSlotLeftError, declare_attribute
from csapi.facts.tables import ATTRIBUTE_SLOTS
from csapi.facts.wire import Key
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Operation, body_of
from csapi.kit.problems import FieldError, Problem, invalid

TAG = "Custom attributes"


class CustomAttribute(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An attribute of your own, usable as the dimension `custom.<name>`."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="The key in `custom`")]
    label: Key | None = None


class DeclaredAttribute(msgspec.Struct, kw_only=True):
    """A declared attribute and the dimension it has become."""

    name: str
    label: str
    dimension: str


class AttributeList(msgspec.Struct, kw_only=True):
    """All declared attributes; there is room for `limit`."""

    data: list[DeclaredAttribute]
    limit: int


async def declare(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, CustomAttribute)
    # `$` also matches before a last line feed, and JSON Schema has no better anchor.
    if wanted.name.endswith("\n"):
        raise invalid(FieldError("/name", "invalid_value", "The name must not end in a line feed."))
    label = wanted.label or wanted.name
    pool = request.app.state.pool
    try:
        async with tenant_transaction(pool, principal.tenant_id, lock="exclusive") as connection:
            _, is_new = await declare_attribute(connection, principal.tenant_id, wanted.name, label)
            if not is_new:
                label = await connection.fetchval(
                    "SELECT label FROM custom_attributes WHERE tenant_id = $1 AND name = $2",
                    principal.tenant_id,
                    wanted.name,
                )
            act = AuditAction.custom_attribute_declared
            await audited(connection, principal, act, wanted.name, is_new=is_new)
    except NoSlotLeftError:
        raise Problem(
            "conflict", f"All {ATTRIBUTE_SLOTS} custom attributes of this tenant are declared."
        ) from None
    await request.app.state.intake.directory.refresh(principal.tenant_id)
    if is_new:
        request.app.state.wake_worker()
    answer = DeclaredAttribute(name=wanted.name, label=label, dimension=f"custom.{wanted.name}")
    return json_response(answer, 201 if is_new else 200)


async def list_attributes(request: AnyRequest, principal: Principal) -> Response:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(
            "SELECT name, label FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot",
            principal.tenant_id,
        )
    data = [
        DeclaredAttribute(name=row["name"], label=row["label"], dimension=f"custom.{row['name']}")
        for row in rows
    ]
    return json_response(AttributeList(data=data, limit=ATTRIBUTE_SLOTS))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/custom-attributes",
        operation_id="declareCustomAttribute",
        repeats="harmless",
        summary="Declare a custom attribute",
        description="Makes a key of `custom` a dimension, also for what was sent before: those "
        "records are read again in the background, and answers say so until it is done. Declaring "
        "it again changes nothing.",
        tag=TAG,
        handler=declare,
        scope=Scope.ADMIN_WRITE,
        request=CustomAttribute,
        request_examples={"manager": {"name": "manager", "label": "Manager"}},
        responses={200: DeclaredAttribute, 201: DeclaredAttribute},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/custom-attributes",
        operation_id="listCustomAttributes",
        summary="List custom attributes",
        description="The declared attributes, in the order of declaration.",
        tag=TAG,
        handler=list_attributes,
        scope=Scope.REPORTS_READ,
        responses={200: AttributeList},
    ),
]
