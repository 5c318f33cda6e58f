"""One declaration per endpoint. The route, its guard and its OpenAPI entry are made from it."""

import re
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, TypeVar, cast

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler

from csapi.kit.body import BATCH_TYPES, MIB, content_type, read_body
from csapi.kit.decode import decode, split_items
from csapi.kit.http import Response, add_headers
from csapi.kit.params import NoParameters, parse_params
from csapi.kit.problem_types import PROBLEMS
from csapi.kit.problems import Problem
from csapi.kit.retirement import Retirement

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
AnyRequest = Request[Any, Any, Any]
Handler = Callable[[AnyRequest, Any], Awaitable[Response]]
Endpoint = Callable[[AnyRequest], Awaitable[Response]]
Authenticate = Callable[[AnyRequest, str], Awaitable[Any]]
# Called with what answers, between the body that was read and the handler.
Around = Callable[[AnyRequest, Any, Callable[[], Awaitable[Response]]], Awaitable[Response]]
ChargeItems = Callable[[int], Awaitable[None]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Charged = Literal["read", "write"]
Budget = Literal["read", "write", "none", ""]
Repeats = Literal["harmless", "keyed", ""]

# Where the state of a request has what to call with the number of items of a batch.
CHARGE_ITEMS = "charge_items"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]+)+\Z")


class OperationError(ValueError):
    """A declaration that would break a house rule: the app does not start."""


@dataclass(frozen=True, kw_only=True)
class Media:
    """An answer that is more than one JSON type.

    `texts`: further media types that the request can ask for by Accept, and what they hold;
    `files`: the same of those that are not text.
    """

    body: Any = None
    description: str = "Success."
    media_type: str = "application/json"
    example: Any = None
    headers: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An endpoint. `scope` is what the key must hold; without one, say public=True.

    `portal`: a portal token may call it, too: whatever it answers passes the token's filters.
    `unfiltered`: only a portal token without filters may: not all of the answer would pass them.
    `ticketed`: where no header says who calls, the query parameter `ticket` does, once.
    `agent`: only an agent's own token may call it: whatever it answers is about that agent.
    `person`: only somebody who has signed in may call it, whatever their role.
    `owner`: only a person who is an owner of the tenant may.
    `while_closing`: it may write even where the tenant is about to close.
    `responses`: success status -> the type of the body, a Media, or None for no body.
    `ndjson`: the body is a batch of `request` items, as a JSON array or one item per line.
    `problems`: codes beyond those that follow from the declaration.
    `budget`: whose units a request takes, `cost` of them; by the method if it is not said, and none
    without a scope.
    `repeats`: of a POST: whether sending it twice does no harm by itself, or takes a key.
    `secret`: the answer shows something once, and is not kept for a repetition.
    `retirement`: the operation goes: its answers say so.
    """

    method: Method
    path: str
    operation_id: str
    summary: str
    description: str
    tag: str
    handler: Handler
    responses: Mapping[int, Any]
    scope: str | None = None
    public: bool = False
    portal: bool = False
    unfiltered: bool = False
    ticketed: bool = False
    agent: bool = False
    person: bool = False
    owner: bool = False
    while_closing: bool = False
    params: type[msgspec.Struct] | None = None
    path_params: type[msgspec.Struct] | None = None
    request: Any = None
    request_examples: Mapping[str, Any] = field(default_factory=dict)
    ndjson: bool = False
    limit: int = 0
    problems: tuple[str, ...] = ()
    budget: Budget = ""
    cost: int = 1
    repeats: Repeats = ""
    secret: bool = False
    retirement: Retirement | None = None

    def __post_init__(self) -> None:
        def need(holds: object, rule: str) -> None:
            if not holds:
                raise OperationError(f"{self.method} {self.path} ({self.operation_id}): {rule}")

        need((self.scope is None) == self.public, "has either a scope or, without one, public=True")
        need(self.path.startswith("/"), "the path starts with /")
        need(_CAMEL.match(self.operation_id), "operation_id is a verb and a noun in camelCase")
        need(self.summary and self.description and self.tag, "has summary, description and tag")
        may_portal = self.portal or self.unfiltered
        need(self.scope is not None or not may_portal, "has a scope, if portal tokens may call it")
        need(self.scope is not None or not self.agent, "has a scope, if it is of agents")
        need(not (self.agent and may_portal), "is of agents or of portals")
        need(self.scope is not None or not self.person, "has a scope, if it is of people")
        need(not (self.person and (self.agent or may_portal)), "is of people or of others")
        need(self.person or not self.owner, "is of people, if it is of owners")
        need(self.responses, "declares at least one success")
        need(all(200 <= status < 400 for status in self.responses), "declares successes only")
        need(set(self.problems) <= set(PROBLEMS), "names known problems")
        placeholders = set(_PLACEHOLDER.findall(self.path))
        fields = set(self.path_params.__struct_fields__) if self.path_params else set()
        need(placeholders == fields, "path_params has a field for each {placeholder}")
        need(self.request is None or self.method in ("POST", "PUT", "PATCH"), "may have a body")
        need(self.request is not None or not self.ndjson, "a batch has an item type")
        need(self.cost >= 1, "costs something")
        need(not self.repeats or self.method == "POST", "is a POST, if repeating it needs a word")
        need(not self.secret or self.repeats == "keyed", "is keyed, if its answer is a secret")

    @property
    def charged(self) -> Charged | None:
        """Which budget a request takes from."""
        if self.scope is None or self.budget == "none":
            return None
        if self.budget:
            return self.budget
        return "read" if self.method == "GET" else "write"

    @property
    def body_limit(self) -> int:
        return self.limit or (5 * MIB if self.ndjson else MIB)

    @property
    def content_types(self) -> tuple[str, ...]:
        return BATCH_TYPES if self.ndjson else BATCH_TYPES[:1]


@cache
def _decoder(type_: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast("Any", type_))


def operation_of(request: AnyRequest) -> Operation:
    """The declaration of the endpoint that answers this request."""
    return cast("Operation", request.scope["state"]["operation"])


def params_of(request: AnyRequest, struct: type[S]) -> S:
    """The query parameters, as the declared struct."""
    return _declared(request, "params", struct)


def path_of(request: AnyRequest, struct: type[S]) -> S:
    """The path parameters, as the declared struct."""
    return _declared(request, "path", struct)


def _declared(request: AnyRequest, key: str, struct: type[S]) -> S:
    value = request.scope["state"][key]
    if type(value) is not struct:
        raise OperationError(f"{operation_of(request).operation_id} does not declare {struct}")
    return value


async def body_of(request: AnyRequest, type_: type[T]) -> T:
    """Read and decode the body, as the declared type."""
    operation = operation_of(request)
    if operation.request is not type_ or operation.ndjson:
        raise OperationError(f"{operation.operation_id} does not declare a body of {type_}")
    data = await read_body(request, limit=operation.body_limit)
    return cast("T", decode(data, _decoder(cast("Hashable", type_))))


async def pieces_of(request: AnyRequest, type_: type[T]) -> T:
    """Read the body as a type whose pieces (msgspec.Raw) are still to be decoded by decode."""
    operation = operation_of(request)
    data = await read_body(request, limit=operation.body_limit)
    return cast("T", decode(data, _decoder(cast("Hashable", type_))))


async def items_of(request: AnyRequest) -> list[bytes]:
    """Read a batch and split it into items, each still to be decoded by decode_item."""
    operation = operation_of(request)
    if not operation.ndjson:
        raise OperationError(f"{operation.operation_id} does not declare a batch")
    data = await read_body(request, limit=operation.body_limit, allowed=operation.content_types)
    items = split_items(data, content_type(request))
    charge: ChargeItems | None = request.scope["state"].get(CHARGE_ITEMS)
    if charge is not None:
        await charge(len(items))
    return items


def _parse_path(request: AnyRequest, struct: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        return msgspec.convert(dict(request.path_params), struct)
    except msgspec.ValidationError:
        raise Problem("not_found", "Not found.") from None


async def _directly(
    request: AnyRequest, principal: Any, answer: Callable[[], Awaitable[Response]]
) -> Response:
    del request, principal
    return await answer()


def _endpoint(operation: Operation, authenticate: Authenticate, around: Around) -> Endpoint:
    params = operation.params or NoParameters
    notices = operation.retirement.headers() if operation.retirement is not None else ()

    async def endpoint(request: AnyRequest) -> Response:
        state = request.scope["state"]
        principal = None
        state["operation"] = operation
        if notices:
            add_headers(request.scope, notices)
        if operation.scope is not None:
            principal = await authenticate(request, operation.scope)
            state.setdefault("tenant", getattr(principal, "tenant_id", None))
        if operation.path_params is not None:
            state["path"] = _parse_path(request, operation.path_params)
        state["params"] = parse_params(request, params)
        if operation.scope is None:
            return await operation.handler(request, principal)
        if operation.request is not None:
            # Whoever sends slowly holds nothing that others wait for.
            await read_body(request, limit=operation.body_limit, allowed=operation.content_types)
        return await around(request, principal, partial(operation.handler, request, principal))

    return endpoint


def _route(
    path: str, operations: Sequence[Operation], authenticate: Authenticate, around: Around
) -> HTTPRouteHandler:
    """One route for all methods of a path, so that OPTIONS and 405 list them all."""
    answers: dict[str, Endpoint] = {
        each.method: _endpoint(each, authenticate, around) for each in operations
    }
    if "GET" in answers:
        answers["HEAD"] = answers["GET"]

    async def endpoint(request: AnyRequest) -> Response:
        return await answers[request.scope["method"]](request)

    methods: Any = list(answers)
    # The answer has its own status; Litestar would take a DELETE for one without a body.
    handler = HTTPRouteHandler(
        path=_PLACEHOLDER.sub(r"{\1:str}", path), http_method=methods, status_code=200
    )
    return handler(endpoint)


def check_operations(operations: Iterable[Operation]) -> None:
    """Raise OperationError if two operations share an id or a method and path."""
    seen: set[str] = set()
    for operation in operations:
        for key in (operation.operation_id, f"{operation.method} {operation.path}"):
            if key in seen:
                raise OperationError(f"{key} is declared twice")
            seen.add(key)


def litestar_handlers(
    operations: Sequence[Operation], authenticate: Authenticate, around: Around = _directly
) -> list[HTTPRouteHandler]:
    """The routes. `authenticate(request, scope)` returns a principal or raises a Problem."""
    check_operations(operations)
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return [_route(path, group, authenticate, around) for path, group in paths.items()]
