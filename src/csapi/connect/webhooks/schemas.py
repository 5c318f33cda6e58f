"""Webhooks on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.access.outbox import MOST_REPLAYED, WebhookEvent
from csapi.kit.public_addresses import LONGEST_URL
from csapi.kit.quantities import Seconds, UtcDatetime

DAY, WEEK = 86_400, 604_800

Url = Annotated[str, Meta(min_length=1, max_length=LONGEST_URL)]
Description = Annotated[str, Meta(max_length=500)]
Events = Annotated[list[WebhookEvent], Meta(min_length=1, max_length=len(WebhookEvent))]


class WebhookEnd(StrEnum):
    """Why an endpoint is told nothing: it answered 410, or it took nothing for five days."""

    gone = "gone"
    failing = "failing"


class NewWebhook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to send what. `url`: https, at a public address; redirects are not followed."""

    url: Url
    events: Events
    description: Description | None = None
    is_enabled: bool = True


class WebhookChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears. Disabled, what waits is canceled."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    is_enabled: bool | UnsetType = UNSET


class Webhook(msgspec.Struct, kw_only=True):
    """An endpoint. `failing_since`: of its deliveries none was taken from then on.
    `disabled_reason` and `disabled_at`: where we disabled it; null where you did."""

    id: str
    url: str
    events: list[WebhookEvent]
    description: str | None
    is_enabled: bool
    disabled_reason: WebhookEnd | None
    disabled_at: UtcDatetime | None
    failing_since: UtcDatetime | None
    created_at: UtcDatetime
    updated_at: UtcDatetime


class CreatedWebhook(Webhook, kw_only=True):
    """An endpoint with its secret, which is shown this once."""

    secret: str


class WebhookList(msgspec.Struct, kw_only=True):
    """All endpoints, the newest first."""

    data: list[Webhook]


class SecretRotation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`overlap_seconds`: for so long the secret before signs beside the new one."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=WEEK)] = DAY


class WebhookSecret(msgspec.Struct, kw_only=True):
    """A new secret, which is shown this once, and until when the one before signs, too."""

    secret: str
    overlap_ends_at: UtcDatetime


class DeliveryStatus(StrEnum):
    """pending: it is tried again at `next_attempt_at`. failed: all attempts are used up. canceled:
    the endpoint was disabled."""

    pending = "pending"
    delivered = "delivered"
    failed = "failed"
    canceled = "canceled"


class Delivery(msgspec.Struct, kw_only=True):
    """An event on its way to an endpoint. `event_id` is sent as `webhook-id`, the same at each
    attempt and in each replay. `last_*`: of the latest attempt."""

    id: str
    webhook_id: str
    event_id: str
    type: WebhookEvent
    status: DeliveryStatus
    is_replay: bool
    attempts: int
    last_status_code: int | None
    last_error: str | None
    created_at: UtcDatetime
    next_attempt_at: UtcDatetime | None
    finished_at: UtcDatetime | None


class DeliveryAttempt(msgspec.Struct, kw_only=True):
    """An attempt. `error`: why there was no answer, such as connect_timeout, unknown_host,
    blocked_address or tls_error. `excerpt`: the beginning of the answer's body."""

    number: int
    started_at: UtcDatetime
    duration_seconds: Seconds
    status_code: int | None
    error: str | None
    excerpt: str | None


class DeliveryDetail(Delivery, kw_only=True):
    """A delivery with its attempts, and the body as it is sent."""

    attempt_log: list[DeliveryAttempt]
    body: str


class DeliveryPage(msgspec.Struct, kw_only=True):
    """Deliveries, the newest first. They are kept for 30 days."""

    data: list[Delivery]
    page: "WebhookPage"


class WebhookPage(msgspec.Struct, kw_only=True):
    """`next_cursor`: of the page after this one; null on the last."""

    next_cursor: str | None


class ReplayKind(StrEnum):
    """undelivered: events of which no delivery to this endpoint arrived or is pending."""

    undelivered = "undelivered"
    all = "all"


class ReplayRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which events: those that happened from `from` until before `to`, of the types that the
    endpoint wants now."""

    from_: UtcDatetime = msgspec.field(name="from")
    to: UtcDatetime | None = None
    kind: ReplayKind = ReplayKind.undelivered


class Replay(msgspec.Struct, kw_only=True):
    """So many deliveries were made, in the order of events. `is_complete`: false where there were
    more than one call takes: go on from `next_from`."""

    deliveries: Annotated[int, Meta(le=MOST_REPLAYED)]
    is_complete: bool
    next_from: UtcDatetime | None


class WebhookPath(msgspec.Struct, kw_only=True):
    webhook_id: Annotated[UUID, Meta(description="Our id of the endpoint")]


class DeliveryPath(WebhookPath, kw_only=True):
    delivery_id: Annotated[UUID, Meta(description="Our id of the delivery")]


class DeliveryParams(msgspec.Struct, kw_only=True):
    """Which deliveries."""

    status: Annotated[DeliveryStatus | None, Meta(description="Of this status alone")] = None
    type: Annotated[WebhookEvent | None, Meta(description="Of this type alone")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[
        Annotated[str, Meta(max_length=500)] | None, Meta(description="next_cursor of a page")
    ] = None
