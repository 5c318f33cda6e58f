"""The protocol with one mistake each. The explorer must find every one of them.

The first seven are the classic mistakes with dirty marks; the others leave out one of the locks,
marks or orders that this protocol adds.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from tests.delivery.explorer import Mutant

from csapi.access.tenancy import tenant_transaction
from csapi.facts import agent_time, dependants, derive, derive_sql, followed
from csapi.facts import attributes as declaring
from csapi.facts.kinds import Grain, Kind
from csapi.ingest import service, write
from csapi.ingest.people import lock_of
from csapi.ingest.statements import KNOWS_ENOUGH, STATEMENTS, lock_linked
from csapi.rollup import buckets, definitions, retention

REQUESTS_LOCKED = "ORDER BY source, external_id FOR NO KEY UPDATE"
MARKED = f", marked AS ({derive_sql.MARK_SLOTS})"
# What an upsert of marks needs: the table itself has no key, marks are appended.
UNIQUE_MARKS = (
    "CREATE UNIQUE INDEX one_mark ON marks (tenant_id, grain, bucket) WHERE marked_at = '-infinity'"
)


def patched(target: Any, **values: Any) -> Callable[[], AbstractContextManager[object]]:
    """A patch of attributes of one module."""
    return lambda: patch.multiple(target, **values)


def together(
    *patches: Callable[[], AbstractContextManager[object]],
) -> Callable[[], AbstractContextManager[object]]:
    def enter() -> AbstractContextManager[object]:
        stack = ExitStack()
        for each in patches:
            stack.enter_context(each())
        return stack

    return enter


def changed(sql: str, old: str, new: str = "") -> str:
    assert old in sql, f"there is nothing left to break: {old}"
    return sql.replace(old, new)


def all_changed(statements: Mapping[Any, str], old: str, new: str = "") -> dict[Any, str]:
    return {key: changed(sql, old, new) for key, sql in statements.items()}


def all_shared(sql: str) -> str:
    """Whoever wants a tenant for itself gets it together with others."""
    return sql.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")


def mark_once(sql: str) -> str:
    infinitely_old = derive_sql.MARK_SLOTS.replace("bucket)", "bucket, marked_at)").replace(
        " FROM moved", ", '-infinity'::timestamptz FROM moved ON CONFLICT DO NOTHING"
    )
    return sql.replace(derive_sql.MARK_SLOTS, infinitely_old)


DONOTHING = Mutant("donothing: a mark that is there already is not set again", rewrite=mark_once)

READFIRST = Mutant(
    "readfirst: aggregate, then eat the marks",
    patched(
        buckets,
        EAT_MARKS="SELECT DISTINCT bucket, 1 AS reasons FROM marks WHERE tenant_id = $1 "
        "AND grain = $2::smallint AND bucket >= $3 AND bucket < $4",
        LEAVE_BUCKET="DELETE FROM marks WHERE tenant_id = $1 "
        f"AND ($2::smallint, grain) = ({Grain.DAY}, {Grain.SLOT}) "
        "AND bucket >= $3 AND bucket < $3 + interval '1 day' "
        "AND $4::int >= 0 AND $5::smallint >= 0",
    ),
)

UNMARKED_BEFORE = patched(
    derive,
    DERIVE_AGAIN=all_changed(
        derive_sql.DERIVE_AGAIN,
        "SELECT occurred_at FROM before UNION SELECT occurred_at FROM changed",
        "SELECT occurred_at FROM changed",
    ),
)
UNMARKED_GAPS = patched(
    derive,
    REFRESH_GAPS=changed(derive_sql.REFRESH_GAPS, MARKED),
    DERIVE_NEW=all_changed(derive_sql.DERIVE_NEW, "UNION ALL SELECT occurred_at FROM refreshed"),
)
UNMARKED = patched(
    derive,
    REFRESH_GAPS=changed(derive_sql.REFRESH_GAPS, MARKED),
    DERIVE_AGAIN=all_changed(derive_sql.DERIVE_AGAIN, MARKED),
    DERIVE_NEW=all_changed(derive_sql.DERIVE_NEW, derive_sql.MARK_SLOTS, "SELECT FROM moved"),
)

NEWONLY = Mutant("newonly: the slots that facts leave are not marked", UNMARKED_BEFORE)


@asynccontextmanager
async def marking_afterwards(pool: Any, tenant_id: UUID, **options: Any) -> AsyncIterator[Any]:
    async with tenant_transaction(pool, tenant_id, **options) as connection:
        yield connection
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(changed(derive_sql.MARK_SLOTS, "moved", "facts"), tenant_id)


AFTERCOMMIT = Mutant(
    "aftercommit: marks are written once the facts are committed",
    together(UNMARKED, patched(service, tenant_transaction=marking_afterwards)),
)

OLD_SLOTS_OF_CALLS = f"""
INSERT INTO marks (tenant_id, grain, bucket)
SELECT DISTINCT $1::uuid, {Grain.SLOT}::smallint, {derive_sql.SLOT} FROM facts
WHERE tenant_id = $1 AND subject IN (
  SELECT id FROM calls WHERE tenant_id = $1 AND external_id = ANY($2::text[]))"""

link_records = write.link_records


async def marking_what_it_read(
    connection: Any, tenant_id: UUID, kind: Any, arrays: Sequence[Sequence[Any]]
) -> None:
    await connection.execute(OLD_SLOTS_OF_CALLS, tenant_id, arrays[1])
    await link_records(connection, tenant_id, kind, [list(each) for each in arrays])


READOLD = Mutant(
    "readold: the slots that facts leave are read before the record is locked",
    together(UNMARKED_BEFORE, patched(write, link_records=marking_what_it_read)),
)

NOMUTEX = Mutant(
    "nomutex: marks are locked one by one, not the bucket",
    patched(
        buckets,
        LOCK_BUCKET=changed(buckets.LOCK_BUCKET, "FOR UPDATE SKIP LOCKED"),
        EAT_MARKS="""
WITH eaten AS (
  DELETE FROM marks WHERE ctid IN (
    SELECT ctid FROM marks WHERE tenant_id = $1 AND grain = $2::smallint
      AND bucket >= $3 AND bucket < $4 FOR UPDATE SKIP LOCKED) RETURNING bucket
) SELECT DISTINCT bucket, 1 AS reasons FROM eaten ORDER BY bucket""",
    ),
)

SEEN_CONTACTS = f"""
SELECT subject FROM facts
WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer = ANY($2::bigint[])"""
DERIVE_FROM_SEEN = all_changed(
    derive_sql.DERIVE_NEW, "AND p.customer = f.customer",
    "AND p.customer = f.customer AND p.subject = ANY($3::uuid[])",
)  # fmt: skip


async def derive_new_from_seen(
    connection: Any, tenant_id: UUID, resource: Any, subjects: Sequence[UUID], customers: set[int]
) -> None:
    rows = await connection.fetch(SEEN_CONTACTS, tenant_id, list(customers))
    seen = [row["subject"] for row in rows]
    await derive.lock_customers(connection, tenant_id, customers)
    await connection.execute(DERIVE_FROM_SEEN[resource], tenant_id, list(subjects), seen)


async def lock_nobody(connection: Any, tenant_id: UUID, customers: object) -> None:
    pass


NEIGHBOUR = Mutant(
    "neighbour: only the contacts seen before the customer was locked get new gaps",
    patched(write, derive_new=derive_new_from_seen),
)

NO_CUSTOMER_LOCK = Mutant(
    "gaps without the customer's lock", patched(derive, lock_customers=lock_nobody)
)

NO_AGENT_LOCK = Mutant(
    "timelines without the agent's lock",
    together(
        patched(agent_time, lock_agents=lock_nobody), patched(derive, lock_agents_of=lock_nobody)
    ),
)

UNMARKED_NEIGHBOURS = Mutant("the slots of contacts with new gaps are not marked", UNMARKED_GAPS)

EARLY_DERIVATION = Mutant(
    "dependants are looked up and derived without their locks",
    patched(
        dependants,
        REQUESTS_OF=all_changed(dependants.REQUESTS_OF, dependants.LOCK),
        FEEDBACK_OF=all_changed(dependants.FEEDBACK_OF, dependants.LOCK),
    ),
)

UNLOCKED_LINKS = Mutant(
    "linked records are not locked",
    patched(
        write,
        lock_linked=lambda table: changed(lock_linked(table), "FOR NO KEY UPDATE OF e"),
    ),
)

UNLOCKED_VISITS = Mutant(
    "sessions and articles of events are not locked",
    patched(
        write,
        lock_linked=lambda table: re.sub(r"FOR (NO KEY UPDATE|SHARE) OF e", "", lock_linked(table)),
    ),
)

UNFOLLOWED = Mutant(
    "a new contact leaves the sessions before it alone",
    patched(derive, REFRESH_BEFORE_NEW="SELECT $1::uuid, $2::uuid[]"),
)

UNMARKED_FOLLOWED = Mutant(
    "the slots of sessions with another next contact are not marked",
    patched(
        derive,
        REFRESH_BEFORE_NEW=changed(followed.REFRESH_BEFORE_NEW, derive_sql.MARK_SLOTS, "SELECT"),
    ),
)

UNTOUCHED_SEARCHES = Mutant(
    "a click leaves the search before it alone",
    patched(
        dependants,
        SEARCHES_BEFORE=changed(dependants.SEARCHES_BEFORE, "s.occurred_at < i.at", "false"),
    ),
)

NO_TENANT_LOCK = Mutant(
    "calls are derived without the shared lock of the tenant",
    patched(service, lock_of=lambda kind: lock_of(kind) if kind.name == "agents" else None),
)

SHARED_SCHEDULE = Mutant(
    "a schedule is written without the exclusive lock of the tenant",
    patched(service, lock_of=lambda kind: "shared" if kind.name == "schedules" else lock_of(kind)),
)

SHARED_MERGE = Mutant(
    "customers are merged without the exclusive lock of the tenant",
    patched(
        service, lock_of=lambda kind: "shared" if kind.name == "customers/merge" else lock_of(kind)
    ),
)

OWN_CUSTOMER_LOCK = Mutant(
    "contacts are derived under the lock of the customer that they name",
    patched(
        derive,
        LOCK_CUSTOMERS=changed(
            derive_sql.LOCK_CUSTOMERS, "AND merged_into IS NOT NULL", "AND false"
        ),
    ),
)

SHARED_DECLARATION = Mutant(
    "an attribute is declared without the exclusive lock of the tenant",
    rewrite=all_shared,
)

EARLY_DEFINITION = Mutant(
    "a definition is through as soon as all subjects are marked",
    patched(
        definitions,
        FINISH=changed(
            definitions.FINISH,
            "m.resource = $2::smallint AND m.marked_at <= d.marked_at",
            "m.resource = $2::smallint AND false",
        ),
    ),
)

FORGOTTEN_SUMMARIES = Mutant(
    "a definition is through while summaries of its older facts wait",
    patched(definitions, FINISH=changed(definitions.FINISH, "m.reason &", "0 &")),
)

SHARED_ERASURE = Mutant(
    "somebody is erased without the exclusive lock of the tenant",
    rewrite=all_shared,
)

UNLOCKED_REQUESTS = Mutant(
    "an attribute is carried on without locking the requests between",
    patched(declaring, LINKED_REQUESTS=changed(declaring.LINKED_REQUESTS, REQUESTS_LOCKED)),
)

UNAWARE_WRITER = Mutant(
    "a process writes without asking whether it knows all attributes",
    patched(
        write,
        STATEMENTS=all_changed(STATEMENTS, KNOWS_ENOUGH, "$2::bigint IS NOT NULL"),
    ),
)

HASTY_FREEZE = Mutant(
    "buckets are frozen while marks wait",
    patched(
        retention,
        FREEZE=changed(
            retention.FREEZE, "FROM marks WHERE tenant_id = $1", "FROM marks WHERE false"
        ),
    ),
)

UNREFUSED = Mutant(
    "what is older than the horizon is taken in",
    patched(retention, REFUSE=changed(retention.REFUSE, "$1", "$1 AND $2 = '-infinity'")),
)

SHARED_RETENTION = Mutant(
    "the horizon is moved and buckets are frozen without the exclusive lock of the tenant",
    rewrite=all_shared,
)

FORGOTTEN_MONTH = Mutant(
    "a rebuilt day does not mark its month",
    patched(
        buckets,
        MARK_MONTH="SELECT $1::uuid, $2::smallint, $3::timestamptz",
    ),
)


def in_one_snapshot(sql: str) -> str:
    return sql.replace("BEGIN;", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;", 1)


SNAPSHOT_INGEST = Mutant(
    "records are derived in REPEATABLE READ",
    rewrite=lambda sql: in_one_snapshot(sql) if "advisory" in sql else sql,
)

# Not wrong here, but refused: see test_repeatable_read_rebuild_fails_instead_of_lying.
SNAPSHOT_REBUILD = Mutant(
    "a bucket is rebuilt in REPEATABLE READ",
    rewrite=lambda sql: sql if "advisory" in sql else in_one_snapshot(sql),
)
