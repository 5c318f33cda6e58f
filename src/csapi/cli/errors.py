import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import click

from csapi.access.service import AccessError
from csapi.embedded.errors import EmbeddedError
from csapi.kit.db import StartupError

P = ParamSpec("P")

EXPECTED = (StartupError, EmbeddedError, AccessError)


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show what a person can mend as one line on stderr and leave with exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except EXPECTED as error:
            click.echo(f"csapi: {error}", err=True)
            sys.exit(1)

    return wrapped
