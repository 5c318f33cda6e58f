"""Identity providers: what the API offers."""

from csapi.access.people.member_operations import TAG
from csapi.access.people.schemas import SignInAnswer
from csapi.access.principals import Scope
from csapi.access.providers import endpoints, sign_in_endpoints
from csapi.access.providers.schemas import (
    BegunSignIn,
    IdentityList,
    IdentityPath,
    IdentityProvider,
    IdentityProviderChange,
    IdentityProviderCheck,
    IdentityProviderList,
    IdentityProviderPath,
    LinkStart,
    NewIdentityProvider,
    OfferedParams,
    OfferedProviderList,
    ProviderFinish,
    ProviderStart,
)
from csapi.access.providers.store import MOST_PROVIDERS
from csapi.kit.operations import Media, Operation

EXAMPLE = {
    "name": "Acme",
    "issuer": "https://login.example.com/acme",
    "client_id": "csapi",
    "client_secret": "a secret that the provider shows",
    "redirect_uris": ["https://app.example.com/signed-in"],
    "email_domains": ["example.com"],
    "default_role": "analyst",
}
SOME_ID = "0198c0de-0000-7000-8000-000000000000"

SIGNING_IN = [
    Operation(
        method="GET",
        path="/v1/auth/providers",
        operation_id="listSignInProviders",
        summary="List how one can sign in",
        description="The identity providers that the tenant has, for buttons of a page.",
        tag=TAG,
        handler=sign_in_endpoints.list_offered,
        public=True,
        params=OfferedParams,
        responses={200: OfferedProviderList},
    ),
    Operation(
        method="POST",
        path="/v1/auth/providers/start",
        operation_id="startProviderSignIn",
        repeats="harmless",
        summary="Begin to sign in by an identity provider",
        description="Where to send the browser (OpenID Connect, authorization code with PKCE), and "
        "what the page keeps until it comes back: within ten minutes, once.",
        tag=TAG,
        handler=sign_in_endpoints.start,
        public=True,
        request=ProviderStart,
        request_examples={"acme": {"tenant_id": SOME_ID, "provider_id": SOME_ID}},
        responses={201: BegunSignIn},
        problems=("not_found", "too_many_attempts", "provider_unavailable", "overloaded"),
    ),
    Operation(
        method="POST",
        path="/v1/auth/providers/finish",
        operation_id="finishProviderSignIn",
        repeats="harmless",
        summary="Finish signing in by an identity provider",
        description="The same answer as that of signing in with a password, for this tenant alone. "
        "Who is not known yet joins with the provider's default role, or by an invitation to the "
        "address that the provider has verified (`invitation_token`). No e-mail address leads to "
        "an account that exists.",
        tag=TAG,
        handler=sign_in_endpoints.finish,
        public=True,
        request=ProviderFinish,
        request_examples={"back": {"state": "csf_...", "code": "x", "browser_token": "csb_..."}},
        responses={200: SignInAnswer},
        problems=("sign_in_failed", "token_used", "conflict", "provider_unavailable"),
    ),
]
OWN = [
    Operation(
        method="POST",
        path="/v1/auth/identities",
        operation_id="startLinkingIdentity",
        repeats="harmless",
        summary="Begin to link an identity to yourself",
        description="As startProviderSignIn: what the provider vouches for at the end is you from "
        "then on, in this tenant. Finish it with finishProviderSignIn while this session lives.",
        tag=TAG,
        handler=sign_in_endpoints.start_linking,
        scope=Scope.REPORTS_READ,
        person=True,
        request=LinkStart,
        request_examples={"acme": {"provider_id": SOME_ID}},
        responses={201: BegunSignIn},
        problems=("not_found", "provider_unavailable", "overloaded"),
    ),
    Operation(
        method="GET",
        path="/v1/auth/identities",
        operation_id="listMyIdentities",
        summary="List your identities",
        description="By which providers you can sign in to this tenant.",
        tag=TAG,
        handler=sign_in_endpoints.list_identities,
        scope=Scope.REPORTS_READ,
        person=True,
        responses={200: IdentityList},
    ),
    Operation(
        method="DELETE",
        path="/v1/auth/identities/{identity_id}",
        operation_id="unlinkMyIdentity",
        summary="Unlink an identity",
        description="Your sessions by its provider end. The only way in that somebody without a "
        "password has stays.",
        tag=TAG,
        handler=sign_in_endpoints.unlink,
        scope=Scope.REPORTS_READ,
        person=True,
        path_params=IdentityPath,
        responses={204: None},
        problems=("conflict",),
    ),
]
PROVIDERS = [
    Operation(
        method="POST",
        path="/v1/identity-providers",
        operation_id="createIdentityProvider",
        repeats="keyed",
        summary="Add an identity provider",
        description="People then sign in by it (OpenID Connect). Nothing is asked of the provider "
        f"yet: checkIdentityProvider does. At most {MOST_PROVIDERS}.",
        tag=TAG,
        handler=endpoints.create_provider,
        scope=Scope.ADMIN_WRITE,
        request=NewIdentityProvider,
        request_examples={"acme": EXAMPLE},
        responses={201: Media(body=IdentityProvider, headers=("Location",))},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/identity-providers",
        operation_id="listIdentityProviders",
        summary="List identity providers",
        description="Without their secrets.",
        tag=TAG,
        handler=endpoints.list_providers,
        scope=Scope.ADMIN_WRITE,
        responses={200: IdentityProviderList},
    ),
    Operation(
        method="GET",
        path="/v1/identity-providers/{provider_id}",
        operation_id="getIdentityProvider",
        summary="Read an identity provider",
        description="As it is now; never its secret.",
        tag=TAG,
        handler=endpoints.get_provider,
        scope=Scope.ADMIN_WRITE,
        path_params=IdentityProviderPath,
        responses={200: IdentityProvider},
    ),
    Operation(
        method="PATCH",
        path="/v1/identity-providers/{provider_id}",
        operation_id="updateIdentityProvider",
        summary="Change an identity provider",
        description="What is absent stays as it is. While it is not enabled nobody signs in by it, "
        "and the sessions that it has begun end: within ten seconds. The issuer stays: add another "
        "provider for another issuer.",
        tag=TAG,
        handler=endpoints.change_provider,
        scope=Scope.ADMIN_WRITE,
        path_params=IdentityProviderPath,
        request=IdentityProviderChange,
        request_examples={"off": {"is_enabled": False}},
        responses={200: IdentityProvider},
    ),
    Operation(
        method="DELETE",
        path="/v1/identity-providers/{provider_id}",
        operation_id="deleteIdentityProvider",
        summary="Delete an identity provider",
        description="The sessions that it has begun end. People stay members, and are known again "
        "if a provider with the same issuer is added.",
        tag=TAG,
        handler=endpoints.delete_provider,
        scope=Scope.ADMIN_WRITE,
        path_params=IdentityProviderPath,
        responses={204: None},
    ),
    Operation(
        method="GET",
        path="/v1/identity-providers/{provider_id}/check",
        operation_id="checkIdentityProvider",
        summary="Check an identity provider",
        description="Asks it for its discovery document and its keys, as signing in does, and says "
        "what is wrong. What was asked a moment ago is not asked again.",
        tag=TAG,
        handler=endpoints.check_provider,
        scope=Scope.ADMIN_WRITE,
        path_params=IdentityProviderPath,
        responses={200: IdentityProviderCheck},
    ),
]
OPERATIONS = (*SIGNING_IN, *OWN, *PROVIDERS)
