"""Identity providers on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.access.people.schemas import TokenText
from csapi.kit.public_addresses import LONGEST_URL
from csapi.kit.quantities import UtcDatetime

MOST_REDIRECTS, MOST_DOMAINS = 10, 50
# Where everybody can have an account: who comes from there is nobody of the tenant's yet.
PUBLIC_ISSUERS = frozenset({
    "https://accounts.google.com",
    "https://appleid.apple.com",
    "https://gitlab.com",
    "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    "https://login.salesforce.com",
    "https://www.facebook.com",
    "https://www.linkedin.com/oauth",
})  # fmt: skip

ProviderName = Annotated[str, Meta(min_length=1, max_length=100)]
Issuer = Annotated[str, Meta(min_length=1, max_length=500)]
ClientId = Annotated[str, Meta(min_length=1, max_length=500)]
ClientSecret = Annotated[str, Meta(min_length=1, max_length=2000)]
RedirectUri = Annotated[str, Meta(min_length=1, max_length=500)]
RedirectUris = Annotated[list[RedirectUri], Meta(min_length=1, max_length=MOST_REDIRECTS)]
Domains = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=253)]], Meta(max_length=MOST_DOMAINS)
]


class JoiningRole(StrEnum):
    """As what somebody may join without an invitation."""

    admin = "admin"
    analyst = "analyst"


class NewIdentityProvider(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`issuer`: exactly as the provider writes it; it never changes. `redirect_uris`: pages of
    yours that sign in, as the provider knows them. `email_domains`: of whom it may vouch for;
    empty for any. `default_role`: of whoever comes without an invitation; null: nobody does."""

    name: ProviderName
    issuer: Issuer
    client_id: ClientId
    client_secret: ClientSecret
    redirect_uris: RedirectUris
    email_domains: Domains = []
    default_role: JoiningRole | None = None
    is_enabled: bool = True


class IdentityProviderChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears."""

    name: ProviderName | UnsetType = UNSET
    client_id: ClientId | UnsetType = UNSET
    client_secret: ClientSecret | UnsetType = UNSET
    redirect_uris: RedirectUris | UnsetType = UNSET
    email_domains: Domains | UnsetType = UNSET
    default_role: JoiningRole | UnsetType | None = UNSET
    is_enabled: bool | UnsetType = UNSET


class IdentityProvider(msgspec.Struct, kw_only=True):
    """A provider of the tenant. Its secret is never told."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    redirect_uris: list[str]
    email_domains: list[str]
    default_role: JoiningRole | None
    is_enabled: bool
    created_at: UtcDatetime
    updated_at: UtcDatetime


class IdentityProviderList(msgspec.Struct, kw_only=True):
    """In the order in which they were made."""

    data: list[IdentityProvider]


class IdentityProviderPath(msgspec.Struct, kw_only=True):
    provider_id: Annotated[UUID, Meta(description="Id of the identity provider")]


class IdentityProviderCheck(msgspec.Struct, kw_only=True):
    """`reason`: what is wrong, in a word; null where the provider answers as it should. `keys`: how
    many of its keys can be used."""

    is_usable: bool
    reason: str | None
    authorization_endpoint: str | None
    token_endpoint: str | None
    keys: int


class OfferedParams(msgspec.Struct, kw_only=True):
    """Whose providers."""

    tenant_id: Annotated[UUID, Meta(description="The tenant to sign in to")]


class OfferedProvider(msgspec.Struct, kw_only=True):
    """What a page needs for a button."""

    id: UUID
    name: str


class OfferedProviderList(msgspec.Struct, kw_only=True):
    """By name. An unknown tenant has none."""

    data: list[OfferedProvider]


class ProviderStart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`redirect_uri`: one of the provider's; the first if none is named."""

    tenant_id: UUID
    provider_id: UUID
    redirect_uri: RedirectUri | None = None


class LinkStart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`redirect_uri`: one of the provider's; the first if none is named."""

    provider_id: UUID
    redirect_uri: RedirectUri | None = None


class BegunSignIn(msgspec.Struct, kw_only=True):
    """Keep `state` and `browser_token` in the page (sessionStorage), and send the browser to
    `authorization_url`. The browser's token goes nowhere but to the end of the sign-in."""

    authorization_url: str
    state: str
    browser_token: str
    expires_at: UtcDatetime


class ProviderFinish(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`state`, `code` and, where it is there, `iss`: of the address that the browser came back to.
    `state` has to be the one that the page kept."""

    state: TokenText
    code: Annotated[str, Meta(min_length=1, max_length=4000)]
    browser_token: TokenText
    iss: Annotated[str, Meta(max_length=LONGEST_URL)] | None = None
    invitation_token: TokenText | None = None


class Identity(msgspec.Struct, kw_only=True):
    """How a provider knows you. `email`: as it says; nobody is found by it."""

    id: UUID
    issuer: str
    email: str | None
    created_at: UtcDatetime
    used_at: UtcDatetime


class IdentityList(msgspec.Struct, kw_only=True):
    """Those of the tenant that you have signed in to."""

    data: list[Identity]


class IdentityPath(msgspec.Struct, kw_only=True):
    identity_id: Annotated[UUID, Meta(description="Id of the identity")]
