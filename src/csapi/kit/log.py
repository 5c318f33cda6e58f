"""Logs: one JSON object per line, ASCII only, without credentials."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

_CREDENTIAL = re.compile(
    r"csk_[A-Za-z0-9_]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|(?i:bearer\s+)[^\s\"'\\]+|(?<=://)[^\s/@]+@"
)


def without_credentials(text: str) -> str:
    return _CREDENTIAL.sub("[redacted]", text)


class JsonFormatter(logging.Formatter):
    """`logger.info("text", extra={"fields": {...}})` puts the fields beside time and level."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", ()))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # ASCII keeps terminals from acting on C1 controls and bidi marks; DEL is ASCII.
        text = json.dumps(line, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")
        return without_credentials(text)


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every log record of the process to `stream` (default: stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
