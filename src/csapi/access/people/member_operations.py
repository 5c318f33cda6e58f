"""Members and invitations: what the API offers."""

from csapi.access.people import member_endpoints
from csapi.access.people.schemas import (
    CreatedInvitation,
    InvitationList,
    InvitationPath,
    Member,
    MemberChange,
    MemberPath,
    NewInvitation,
    PasswordReset,
    PeoplePage,
    PeopleParams,
)
from csapi.access.principals import Scope
from csapi.kit.operations import Operation

TAG = "People"
TAG_TEXT = (
    "Signing in with e-mail address and password or by an identity provider, and who may do what: "
    "owners, admins, analysts, and agents, who see their own work alone."
)

OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/members",
        operation_id="listMembers",
        summary="List the people of the tenant",
        description="Who belongs to it, and as what.",
        tag=TAG,
        handler=member_endpoints.list_members,
        scope=Scope.ADMIN_WRITE,
        params=PeopleParams,
        responses={200: PeoplePage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="PATCH",
        path="/v1/members/{person_id}",
        operation_id="updateMember",
        summary="Change somebody's role",
        description="It holds within ten seconds. Nobody gives or takes away a role that may do "
        "more than they may themselves; only owners, and keys with the scopes of one, make, change "
        "or remove owners. The last owner stays one.",
        tag=TAG,
        handler=member_endpoints.change_member,
        scope=Scope.ADMIN_WRITE,
        path_params=MemberPath,
        request=MemberChange,
        request_examples={"analyst": {"role": "analyst"}},
        responses={200: Member},
        problems=("conflict",),
    ),
    Operation(
        method="DELETE",
        path="/v1/members/{person_id}",
        operation_id="removeMember",
        summary="Remove somebody",
        description="Their sessions here end, access tokens within ten seconds, and the "
        "invitations that they have made. The account stays: it may belong to other tenants. The "
        "last owner cannot be removed.",
        tag=TAG,
        handler=member_endpoints.remove_member,
        scope=Scope.ADMIN_WRITE,
        path_params=MemberPath,
        responses={204: None},
        problems=("conflict",),
    ),
    Operation(
        method="POST",
        path="/v1/members/{person_id}/password-resets",
        operation_id="createPasswordReset",
        repeats="keyed",
        secret=True,
        summary="Let somebody set a new password",
        description="A token for 24 hours that is good once, shown in this answer alone: hand it "
        "to the person. Only for people who belong to no other tenant.",
        tag=TAG,
        handler=member_endpoints.reset_password,
        scope=Scope.ADMIN_WRITE,
        path_params=MemberPath,
        responses={201: PasswordReset},
        problems=("conflict",),
    ),
    Operation(
        method="POST",
        path="/v1/invitations",
        operation_id="createInvitation",
        repeats="keyed",
        secret=True,
        summary="Invite somebody",
        description="A token that is good once, shown in this answer alone: hand it to the person, "
        "since this server sends no mail. The role agent names the agent's record.",
        tag=TAG,
        handler=member_endpoints.invite,
        scope=Scope.ADMIN_WRITE,
        request=NewInvitation,
        request_examples={"analyst": {"email": "ana@example.com", "role": "analyst"}},
        responses={201: CreatedInvitation},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/invitations",
        operation_id="listInvitations",
        summary="List open invitations",
        description="Those that can still be accepted, without their tokens.",
        tag=TAG,
        handler=member_endpoints.list_invitations,
        scope=Scope.ADMIN_WRITE,
        responses={200: InvitationList},
    ),
    Operation(
        method="DELETE",
        path="/v1/invitations/{invitation_id}",
        operation_id="withdrawInvitation",
        summary="Withdraw an invitation",
        description="Its token is worth nothing any more.",
        tag=TAG,
        handler=member_endpoints.withdraw_invitation,
        scope=Scope.ADMIN_WRITE,
        path_params=InvitationPath,
        responses={204: None},
    ),
]
