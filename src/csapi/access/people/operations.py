"""Signing in, and what people do with their own: what the API offers."""

from csapi.access.people import endpoints
from csapi.access.people.member_operations import OPERATIONS as MEMBERS
from csapi.access.people.member_operations import TAG
from csapi.access.people.schemas import (
    AccessTokens,
    JsonWebKeySet,
    PasswordChange,
    PersonSessionList,
    PersonSessionPath,
    RefreshRequest,
    SignIn,
    SignInAnswer,
    TenantChoiceList,
    TenantSwitch,
    TokenAndPassword,
)
from csapi.access.principals import Scope
from csapi.kit.operations import Operation

SOME_TENANT = "0198c0de-0000-7000-8000-000000000000"
PASSWORD = "correct horse battery staple"  # noqa: S105  an example
TRIED = ("sign_in_failed", "too_many_attempts", "overloaded")

SIGNING_IN = [
    Operation(
        method="POST",
        path="/v1/auth/sign-in",
        operation_id="signIn",
        repeats="harmless",
        summary="Sign in",
        description="An access token for ten minutes, and a refresh token for the next pair. "
        "Whoever belongs to several tenants names one, or is answered with the list. An unknown "
        "address and a wrong password look the same. Attempts are counted for each account and "
        "each network address: after too many, wait as long as Retry-After says.",
        tag=TAG,
        handler=endpoints.sign_in,
        public=True,
        request=SignIn,
        request_examples={"person": {"email": "ana@example.com", "password": PASSWORD}},
        responses={200: SignInAnswer},
        problems=TRIED,
    ),
    Operation(
        method="POST",
        path="/v1/auth/refresh",
        operation_id="refreshTokens",
        repeats="harmless",
        summary="Renew the tokens",
        description="The next pair of tokens. Each refresh token is good once: one that comes a "
        "second time ends the session, since somebody else may have it. A session that is not "
        "renewed for 14 days ends, and each does after 90.",
        tag=TAG,
        handler=endpoints.refresh,
        public=True,
        request=RefreshRequest,
        request_examples={"token": {"refresh_token": "csr_..."}},
        responses={200: AccessTokens},
        problems=("session_ended",),
    ),
    Operation(
        method="POST",
        path="/v1/auth/switch",
        operation_id="switchTenant",
        repeats="harmless",
        summary="Switch to another tenant",
        description="Tokens for another tenant of the same person, without the password. The "
        "session goes on there, as old as it is, and ends here. One that an identity provider has "
        "begun is of its tenant alone.",
        tag=TAG,
        handler=endpoints.switch,
        public=True,
        request=TenantSwitch,
        request_examples={"other": {"refresh_token": "csr_...", "tenant_id": SOME_TENANT}},
        responses={200: AccessTokens},
        problems=("session_ended", "conflict", "not_found"),
    ),
    Operation(
        method="POST",
        path="/v1/auth/sign-out",
        operation_id="signOut",
        repeats="harmless",
        summary="Sign out",
        description="The session ends; its access token within ten seconds. A token that is not "
        "valid is answered alike.",
        tag=TAG,
        handler=endpoints.sign_out,
        public=True,
        request=RefreshRequest,
        request_examples={"token": {"refresh_token": "csr_..."}},
        responses={204: None},
    ),
    Operation(
        method="GET",
        path="/.well-known/jwks.json",
        operation_id="getSigningKeys",
        summary="Keys of access tokens",
        description="The public keys by which others can check access tokens of this server, as a "
        "JSON Web Key Set. A new key is shown for a minute before it signs.",
        tag=TAG,
        handler=endpoints.get_keys,
        public=True,
        responses={200: JsonWebKeySet},
    ),
    Operation(
        method="POST",
        path="/v1/auth/invitations/accept",
        operation_id="acceptInvitation",
        repeats="harmless",
        summary="Accept an invitation",
        description="Become a member, and sign in. Where the invited address has an account "
        "already, `password` is its password; otherwise the account is made with it.",
        tag=TAG,
        handler=endpoints.accept_invitation,
        public=True,
        request=TokenAndPassword,
        request_examples={"new": {"token": "csi_...", "password": PASSWORD}},
        responses={201: AccessTokens},
        problems=(*TRIED, "token_used", "conflict"),
    ),
    Operation(
        method="POST",
        path="/v1/auth/password-resets/use",
        operation_id="usePasswordReset",
        repeats="harmless",
        summary="Set a password by a reset",
        description="The token is good once. All sessions of the person end, in all tenants.",
        tag=TAG,
        handler=endpoints.use_reset,
        public=True,
        request=TokenAndPassword,
        request_examples={"new": {"token": "csw_...", "password": PASSWORD}},
        responses={204: None},
        problems=("token_used", "overloaded"),
    ),
]
OWN = [
    Operation(
        method="POST",
        path="/v1/auth/password",
        operation_id="changePassword",
        repeats="harmless",
        summary="Change your password",
        description="All your sessions end, in all tenants, and a new one begins.",
        tag=TAG,
        handler=endpoints.change_password,
        scope=Scope.REPORTS_READ,
        person=True,
        request=PasswordChange,
        request_examples={"new": {"password": PASSWORD, "new_password": "another long sentence"}},
        responses={200: AccessTokens},
        problems=("too_many_attempts", "overloaded", "conflict"),
    ),
    Operation(
        method="GET",
        path="/v1/auth/tenants",
        operation_id="listMyTenants",
        summary="List your tenants",
        description="Those that you belong to: where switchTenant leads.",
        tag=TAG,
        handler=endpoints.list_tenants,
        scope=Scope.REPORTS_READ,
        person=True,
        responses={200: TenantChoiceList},
    ),
    Operation(
        method="GET",
        path="/v1/auth/sessions",
        operation_id="listMySessions",
        summary="List your sessions",
        description="Those in the tenant that you have signed in to.",
        tag=TAG,
        handler=endpoints.list_sessions,
        scope=Scope.REPORTS_READ,
        person=True,
        responses={200: PersonSessionList},
    ),
    Operation(
        method="DELETE",
        path="/v1/auth/sessions",
        operation_id="endMySessions",
        summary="End all your sessions",
        description="Those in the tenant that you have signed in to, this one too. Access tokens "
        "end within ten seconds.",
        tag=TAG,
        handler=endpoints.end_sessions,
        scope=Scope.REPORTS_READ,
        person=True,
        responses={204: None},
    ),
    Operation(
        method="DELETE",
        path="/v1/auth/sessions/{session_id}",
        operation_id="endMySession",
        summary="End one of your sessions",
        description="Its access token ends within ten seconds.",
        tag=TAG,
        handler=endpoints.end_session,
        scope=Scope.REPORTS_READ,
        person=True,
        path_params=PersonSessionPath,
        responses={204: None},
    ),
]
OPERATIONS = (*SIGNING_IN, *OWN, *MEMBERS)
