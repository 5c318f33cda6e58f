"""What is sent and answered about people."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.people.roles import (
    LONGEST_EMAIL,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    Role,
)
from csapi.kit.quantities import UtcDatetime

Email = Annotated[str, Meta(max_length=LONGEST_EMAIL, description="An e-mail address")]
Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD)]
NewPassword = Annotated[
    str,
    Meta(
        max_length=LONGEST_PASSWORD,
        description=f"At least {SHORTEST_PASSWORD} characters, of any kind",
    ),
]
TokenText = Annotated[str, Meta(max_length=200)]
INVITATION_LIVES = timedelta(days=7)
LONGEST_INVITATION_HOURS = 30 * 24


class SignIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`tenant_id`: to which of their tenants, for people who belong to several."""

    email: Email
    password: Password
    tenant_id: UUID | None = None


class TenantChoice(msgspec.Struct, kw_only=True):
    """A tenant that the person belongs to, and as what."""

    tenant_id: UUID
    name: str
    role: Role


class AccessTokens(msgspec.Struct, kw_only=True):
    """`access_token` is sent as Authorization: Bearer; `refresh_token` is used once, for the next
    pair. Both are shown in this answer alone."""

    access_token: str
    expires_in_seconds: int
    refresh_token: str
    session_id: UUID
    tenant_id: UUID
    person_id: UUID
    role: Role


class SignInAnswer(msgspec.Struct, kw_only=True):
    """`tokens` is null where the person belongs to several tenants and none was named: ask again
    with one of `tenants`."""

    tokens: AccessTokens | None
    tenants: list[TenantChoice]


class TenantChoiceList(msgspec.Struct, kw_only=True):
    """The tenants that you belong to, by name; by an identity provider, its own alone."""

    data: list[TenantChoice]


class TenantSwitch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The refresh token that was not used yet, and another tenant of the same person."""

    refresh_token: TokenText
    tenant_id: UUID


class RefreshRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The refresh token that was not used yet."""

    refresh_token: TokenText


class PasswordChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The password in force, and the new one."""

    password: Password
    new_password: NewPassword


class TokenAndPassword(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A token that is good once. For an invitation of an address that has an account, `password` is
    that of the account; otherwise it is a new one."""

    token: TokenText
    password: NewPassword


class PersonSession(msgspec.Struct, kw_only=True):
    """`is_current`: of the token that asks. `used_at`: when its tokens were last renewed.
    `provider_id` and `provider_name`: by which identity provider it began; null by a password."""

    id: UUID
    is_current: bool
    provider_id: UUID | None
    provider_name: str | None
    user_agent: str | None
    created_at: UtcDatetime
    used_at: UtcDatetime
    expires_at: UtcDatetime


class PersonSessionList(msgspec.Struct, kw_only=True):
    """The newest first. The oldest of more than 100 ends."""

    data: list[PersonSession]


class PersonSessionPath(msgspec.Struct, kw_only=True):
    session_id: Annotated[UUID, Meta(description="Id of the session")]


class JsonWebKey(msgspec.Struct, kw_only=True):
    """A public key, as of RFC 8037."""

    kty: str
    crv: str
    alg: str
    use: str
    kid: str
    x: str


class JsonWebKeySet(msgspec.Struct, kw_only=True):
    """The keys that sign access tokens now, or signed some that still live."""

    keys: list[JsonWebKey]


class Member(msgspec.Struct, kw_only=True):
    """A person of the tenant. `agent_id`: whose record they are, for the role agent. `email`: of
    the account; of somebody without a password what their identity provider says, if it does.
    `issuers`: of the identity providers that know them."""

    person_id: UUID
    email: str | None
    role: Role
    agent_id: UUID | None
    has_password: bool
    issuers: list[str]
    created_at: UtcDatetime


class PeopleCursor(msgspec.Struct, kw_only=True):
    """`next_cursor`: of the page after this one; null on the last."""

    next_cursor: str | None


class PeoplePage(msgspec.Struct, kw_only=True):
    """In the order of their ids."""

    data: list[Member]
    page: PeopleCursor


class PeopleParams(msgspec.Struct, kw_only=True):
    """Which members to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: (
        Annotated[str, Meta(max_length=100, description="next_cursor of the page before")] | None
    ) = None


class MemberPath(msgspec.Struct, kw_only=True):
    person_id: Annotated[UUID, Meta(description="Id of the person")]


class MemberChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The role from now on. `agent_id` belongs to the role agent, and to no other."""

    role: Role
    agent_id: UUID | None = None


class NewInvitation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom to invite, as what."""

    email: Email
    role: Role
    agent_id: UUID | None = None
    expires_in_hours: Annotated[int, Meta(ge=1, le=LONGEST_INVITATION_HOURS)] = (
        INVITATION_LIVES // timedelta(hours=1)
    )


class Invitation(msgspec.Struct, kw_only=True):
    """An invitation that nobody has accepted yet."""

    id: UUID
    email: str
    role: Role
    agent_id: UUID | None
    created_at: UtcDatetime
    expires_at: UtcDatetime


class CreatedInvitation(msgspec.Struct, kw_only=True):
    """The token is shown this once: hand it to whoever is invited."""

    id: UUID
    token: str
    expires_at: UtcDatetime


class InvitationList(msgspec.Struct, kw_only=True):
    """The newest first, at most 1,000."""

    data: list[Invitation]


class InvitationPath(msgspec.Struct, kw_only=True):
    invitation_id: Annotated[UUID, Meta(description="Id of the invitation")]


class PasswordReset(msgspec.Struct, kw_only=True):
    """The token is shown this once: hand it to whose password it is to set."""

    token: str
    expires_at: UtcDatetime
