import functools
import re
import sys
from collections.abc import Callable
from typing import ParamSpec

import click
import msgspec

from csapi.access.service import AccessError
from csapi.embedded.errors import EmbeddedError
from csapi.kit.db import StartupError

P = ParamSpec("P")

EXPECTED = (StartupError, EmbeddedError, AccessError)
SETTING = re.compile(r"`\$\.(\w+)`")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show what a person can mend as one line on stderr and leave with exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except EXPECTED as error:
            fail(str(error))
        except msgspec.ValidationError as error:
            named = SETTING.sub(lambda match: f"CSAPI_{match[1].upper()}", str(error))
            fail(f"The environment cannot be used: {named}.")

    return wrapped


def fail(message: str) -> None:
    click.echo(f"csapi: {message}", err=True)
    sys.exit(1)
