"""When deliveries are tried again, and what is signed."""

import base64
from datetime import UTC, datetime

from csapi.access.outbox import MOST_DELIVERY_ATTEMPTS
from csapi.connect.webhooks.signing import new_secret, secret_text, signature, signed_headers
from csapi.connect.webhooks.timing import LONGEST_WAIT, pause_after, retry_seconds
from csapi.kit.log import without_credentials

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_signature_is_that_of_the_standard() -> None:
    """The vector that the libraries of Standard Webhooks are tested with."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_secrets_sign_while_they_overlap() -> None:
    first, second = new_secret(), new_secret()
    headers = signed_headers([second, first], "id", 1, b"{}")
    expected = [signature(each, "id", 1, b"{}") for each in (second, first)]
    assert headers["webhook-signature"].split(" ") == expected


def test_a_secret_never_stands_in_a_log() -> None:
    for _ in range(20):
        text = secret_text(new_secret())
        assert without_credentials(f'{{"secret": "{text}"}}') == '{"secret": "[redacted]"}'


def test_it_is_tried_ten_times_over_three_days() -> None:
    pauses = [pause_after(attempt, 0.0) for attempt in range(1, MOST_DELIVERY_ATTEMPTS + 1)]
    assert pauses[-1] is None
    known = [each for each in pauses if each is not None]
    assert known == sorted(known)
    assert 3 * 86_400 < sum(known) < 4 * 86_400
    assert pause_after(2, 0.999) == 300 * (1 + 0.2 * 0.999)


def test_what_a_receiver_asks_for_is_heeded_within_bounds() -> None:
    assert pause_after(1, 0.0, 90.0) == 90.0
    assert pause_after(2, 0.0, 1.0) == 300.0
    assert pause_after(1, 0.0, 1e9) == LONGEST_WAIT
    assert retry_seconds("120", NOW) == 120
    assert retry_seconds("Mon, 02 Mar 2026 12:01:00 GMT", NOW) == 60
    assert retry_seconds("Mon, 02 Mar 2026 11:00:00 GMT", NOW) == 0
    for text in (None, "", "soon", "-1", "1.5", "9" * 40, "Mon, 99 Mar 2026 12:01:00 GMT", "²"):
        assert retry_seconds(text, NOW) is None
