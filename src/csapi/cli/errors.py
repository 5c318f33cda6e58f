import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import click

from csapi.kit.db import StartupError

P = ParamSpec("P")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Show a StartupError as one line on stderr and leave with exit code 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except StartupError as error:
            click.echo(f"csapi: {error}", err=True)
            sys.exit(1)

    return wrapped
