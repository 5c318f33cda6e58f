"""Webhooks: what the API offers, and what it sends."""

from csapi.access.outbox import LOG_DAYS, MOST_DELIVERY_ATTEMPTS, MOST_REPLAYED, MOST_WEBHOOKS
from csapi.access.principals import Scope
from csapi.connect.webhooks import endpoints
from csapi.connect.webhooks.schemas import (
    CreatedWebhook,
    DeliveryDetail,
    DeliveryPage,
    DeliveryParams,
    DeliveryPath,
    NewWebhook,
    Replay,
    ReplayRequest,
    SecretRotation,
    Webhook,
    WebhookChange,
    WebhookList,
    WebhookPath,
    WebhookSecret,
)
from csapi.kit.operations import Media, Operation

TAG = "Webhooks"
TAG_TEXT = (
    "What happens, told to your servers: signed, at least once, tried again for three days, and "
    "kept in a log from which it can be told again."
)
# A tag of its own: generators make a file of each, and would mix what we send with what we answer.
MESSAGES_TAG = "Messages"
MESSAGES_TEXT = "What is sent to webhooks."
EXAMPLE = {
    "url": "https://hooks.example.com/csapi",
    "events": ["report_run.ready", "export.ready", "driver.referred"],
    "description": "Tells the chat of the service desk",
}

ENDPOINTS = [
    Operation(
        method="POST",
        path="/v1/webhooks",
        operation_id="createWebhook",
        repeats="keyed",
        secret=True,
        summary="Create a webhook",
        description="An endpoint of yours that is told what happens from now on, by Standard "
        f"Webhooks 1.0. The secret is shown in this answer alone. At most {MOST_WEBHOOKS}.",
        tag=TAG,
        handler=endpoints.create_webhook,
        scope=Scope.ADMIN_WRITE,
        request=NewWebhook,
        request_examples={"chat": EXAMPLE},
        responses={201: Media(body=CreatedWebhook, headers=("Location",))},
        problems=("conflict",),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks",
        operation_id="listWebhooks",
        summary="List webhooks",
        description="The newest first.",
        tag=TAG,
        handler=endpoints.list_webhooks,
        scope=Scope.ADMIN_WRITE,
        responses={200: WebhookList},
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{webhook_id}",
        operation_id="getWebhook",
        summary="Read a webhook",
        description="As it is now; never its secret.",
        tag=TAG,
        handler=endpoints.get_webhook,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        responses={200: Webhook},
    ),
    Operation(
        method="PATCH",
        path="/v1/webhooks/{webhook_id}",
        operation_id="updateWebhook",
        summary="Change a webhook",
        description="What is absent stays as it is. To disable it cancels what waits; what happens "
        "meanwhile is kept, and can be told by a replay once it is enabled again.",
        tag=TAG,
        handler=endpoints.change_webhook,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        request=WebhookChange,
        request_examples={"more": {"events": ["report_run.ready", "issue.found"]}},
        responses={200: Webhook},
    ),
    Operation(
        method="DELETE",
        path="/v1/webhooks/{webhook_id}",
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        description="The endpoint is gone, and its log with it.",
        tag=TAG,
        handler=endpoints.delete_webhook,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        responses={204: None},
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/secrets",
        operation_id="rotateWebhookSecret",
        repeats="keyed",
        secret=True,
        summary="Replace the secret",
        description="The new secret is shown in this answer alone. While both are in force each "
        "message bears a signature by either; a further replacement ends the older one at once.",
        tag=TAG,
        handler=endpoints.rotate_secret,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        request=SecretRotation,
        request_examples={"day": {"overlap_seconds": 86_400}},
        responses={201: WebhookSecret},
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/test",
        operation_id="testWebhook",
        repeats="keyed",
        summary="Send a test",
        description="Sends `webhook.test`, whatever the endpoint wants. Read the delivery to see "
        "what became of it.",
        tag=TAG,
        handler=endpoints.test_webhook,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        responses={202: DeliveryDetail},
        problems=("conflict",),
    ),
]

LOG = [
    Operation(
        method="GET",
        path="/v1/webhooks/{webhook_id}/deliveries",
        operation_id="listWebhookDeliveries",
        summary="List deliveries",
        description=f"The newest first. They are kept for {LOG_DAYS} days.",
        tag=TAG,
        handler=endpoints.list_deliveries,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        params=DeliveryParams,
        responses={200: DeliveryPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{webhook_id}/deliveries/{delivery_id}",
        operation_id="getWebhookDelivery",
        summary="Read a delivery",
        description="With what was sent, and what came of each attempt, "
        f"{MOST_DELIVERY_ATTEMPTS} at most.",
        tag=TAG,
        handler=endpoints.get_delivery,
        scope=Scope.ADMIN_WRITE,
        path_params=DeliveryPath,
        responses={200: DeliveryDetail},
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
        operation_id="replayWebhookDelivery",
        repeats="keyed",
        summary="Deliver again",
        description="Another delivery of the same event, with the same `webhook-id` and body.",
        tag=TAG,
        handler=endpoints.replay_delivery,
        scope=Scope.ADMIN_WRITE,
        path_params=DeliveryPath,
        responses={202: DeliveryDetail},
        problems=("conflict",),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{webhook_id}/replays",
        operation_id="replayWebhook",
        repeats="keyed",
        summary="Deliver a time again",
        description="Deliveries of what happened in a range of time: of what never arrived here, "
        f"or of everything. At most {MOST_REPLAYED:,} at once.",
        tag=TAG,
        handler=endpoints.replay_range,
        scope=Scope.ADMIN_WRITE,
        path_params=WebhookPath,
        request=ReplayRequest,
        request_examples={"since": {"from": "2026-01-01T00:00:00Z"}},
        responses={202: Replay},
        problems=("conflict",),
    ),
]

OPERATIONS = [*ENDPOINTS, *LOG]
