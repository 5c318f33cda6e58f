"""The people of a tenant: the endpoints."""

from datetime import timedelta
from typing import Any

from csapi.access.people import accounts, members
from csapi.access.people.endpoints import people_of
from csapi.access.people.members import Place
from csapi.access.people.roles import normalized_email
from csapi.access.people.schemas import (
    CreatedInvitation,
    Invitation,
    InvitationList,
    InvitationPath,
    Member,
    MemberChange,
    MemberPath,
    NewInvitation,
    PasswordReset,
    PeopleCursor,
    PeoplePage,
    PeopleParams,
)
from csapi.access.principals import Principal
from csapi.kit.clock import now
from csapi.kit.cursors import cut_by_id, id_before
from csapi.kit.db import acquire
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, body_of, params_of, path_of
from csapi.kit.problems import FieldError, Problem, invalid


def member(row: Any) -> Member:
    return Member(
        person_id=row["person"],
        email=row["email"],
        role=row["role"],
        agent_id=row["agent"],
        has_password=row["has_password"],
        issuers=row["issuers"],
        created_at=row["created_at"],
    )


async def list_members(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, PeopleParams)
    rows = await members.list_members(
        people_of(request).pool,
        principal.tenant_id,
        after=id_before(wanted),
        person=None,
        limit=wanted.limit + 1,
    )
    page, cursor = cut_by_id(rows, wanted, key="person")
    data = [member(row) for row in page]
    return json_response(PeoplePage(data=data, page=PeopleCursor(next_cursor=cursor)))


async def change_member(request: AnyRequest, principal: Principal) -> Response:
    person = path_of(request, MemberPath).person_id
    given, pool = await body_of(request, MemberChange), people_of(request).pool
    await members.change_member(pool, principal, person, Place(given.role, given.agent_id))
    rows = await members.list_members(pool, principal.tenant_id, after=None, person=person, limit=1)
    if not rows:
        raise Problem("not_found", "There is no such member.")
    return json_response(member(rows[0]))


async def remove_member(request: AnyRequest, principal: Principal) -> Response:
    person = path_of(request, MemberPath).person_id
    await members.remove_member(people_of(request).pool, principal, person)
    return no_content()


async def reset_password(request: AnyRequest, principal: Principal) -> Response:
    person, pool, at = path_of(request, MemberPath).person_id, people_of(request).pool, now()
    await members.check_may_reset(pool, principal, person)
    async with acquire(pool) as connection:
        token = await accounts.make_reset(connection, person, at, principal.tenant_id)
    if token is None:
        detail = "The person belongs to other tenants, too: ask the operator of this server."
        raise Problem("conflict", detail)
    return json_response(PasswordReset(token=token.text, expires_at=at + accounts.RESET_LIVES), 201)


async def invite(request: AnyRequest, principal: Principal) -> Response:
    given, at = await body_of(request, NewInvitation), now()
    email = normalized_email(given.email)
    if email is None:
        raise invalid(FieldError("/email", "invalid_value", "This is no e-mail address."))
    lives = timedelta(hours=given.expires_in_hours)
    id_, token = await members.invite(
        people_of(request).pool,
        principal,
        email,
        Place(given.role, given.agent_id),
        now=at,
        lives=lives,
    )
    return json_response(CreatedInvitation(id=id_, token=token.text, expires_at=at + lives), 201)


async def list_invitations(request: AnyRequest, principal: Principal) -> Response:
    rows = await members.list_invitations(people_of(request).pool, principal.tenant_id, now())
    data = [
        Invitation(
            id=row["id"],
            email=row["email"],
            role=row["role"],
            agent_id=row["agent"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
        )
        for row in rows
    ]
    return json_response(InvitationList(data=data))


async def withdraw_invitation(request: AnyRequest, principal: Principal) -> Response:
    id_ = path_of(request, InvitationPath).invitation_id
    if not await members.withdraw(people_of(request).pool, principal, id_):
        raise Problem("not_found", "There is no such invitation.")
    return no_content()
