"""Custom attributes that a mapping lists are declared before the first row, so that it has them."""

from collections.abc import Callable

import httpx
import msgspec

from csapi.connect.transfer.client import Api, problem_of
from csapi.connect.transfer.errors import ImportStoppedError

PATH = "/v1/custom-attributes"
_SCOPE = "admin:write"


def declare(api: Api, attributes: dict[str, str], notice: Callable[[str], None]) -> None:
    """What the server does not accept is said and passed over: the rows can still be imported."""
    for name, label in attributes.items():
        response = api.post(PATH, msgspec.json.encode({"name": name, "label": label}))
        problem = problem_of(response)
        if response.is_success:
            continue
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise ImportStoppedError(f"the server refuses the key (401): {problem.detail}")
        if response.status_code == httpx.codes.FORBIDDEN:
            notice(
                f"warning: the key has not the scope {_SCOPE}, so the custom attributes "
                f"{', '.join(attributes)} are not declared; their values are stored, but cannot "
                "be used as dimensions until someone declares them"
            )
            return
        said = problem.detail or problem.title
        notice(f"warning: custom attribute {name} is not declared ({response.status_code}): {said}")
