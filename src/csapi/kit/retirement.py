"""Telling clients that an operation goes: Deprecation (RFC 9745) and Sunset (RFC 8594)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Retirement:
    """From when on the operation should not be used any more, and until when it answers.

    `page`: where it is told what to use instead.
    """

    deprecated_at: datetime
    sunset_at: datetime
    page: str

    def __post_init__(self) -> None:
        if self.deprecated_at.tzinfo is None or self.sunset_at.tzinfo is None:
            raise ValueError("a retirement has instants with a time zone")
        if self.sunset_at <= self.deprecated_at:
            raise ValueError("what goes is deprecated first")

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        sunset = format_datetime(self.sunset_at.astimezone(UTC), usegmt=True)
        return (
            (b"deprecation", f"@{int(self.deprecated_at.timestamp())}".encode()),
            (b"sunset", sunset.encode()),
            (b"link", f'<{self.page}>; rel="deprecation"; type="text/html"'.encode()),
        )
