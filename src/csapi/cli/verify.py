import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import click
import msgspec

from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, lines_of
from csapi.cli.target import as_worker, data_dir_option
from csapi.rollup.repair import repair as mend
from csapi.rollup.verify import Findings, verify_tenant


def named(findings: Findings) -> Iterator[str]:
    """Each wrong subject and bucket, a line each."""
    for tenant_id, subjects in findings.wrong_subjects.items():
        for resource, ids in subjects.items():
            for subject in sorted(ids):
                yield f"wrong facts: tenant {tenant_id} {resource.name.lower()} {subject}"
    for tenant_id, buckets in findings.wrong_buckets.items():
        for grain, start in sorted(buckets):
            yield f"wrong summary: tenant {tenant_id} {grain.name.lower()} {start}"
    for tenant_id, flaw in findings.flaws.items():
        yield f"wrong audit log: tenant {tenant_id} entry {flaw.sequence} {flaw.reason}"


async def verify_all(connection: asyncpg.Connection, label: str) -> Findings:
    """Verify each tenant, with a bar on stderr."""
    findings = Findings()
    tenants = await connection.fetch("SELECT tenant_id, timezone FROM tenants ORDER BY 1")
    with click.progressbar(tenants, label=label, file=sys.stderr) as each:
        for tenant in each:
            await verify_tenant(connection, tenant["tenant_id"], tenant["timezone"], findings)
    return findings


def report_of(findings: Findings) -> dict[str, int]:
    return {
        "buckets_checked": findings.buckets_checked,
        "buckets_frozen": findings.buckets_frozen,
        "subjects_checked": findings.subjects_checked,
        "audit_entries_checked": findings.entries_checked,
        "pending": findings.pending,
        "mismatches": findings.mismatches,
    }


@click.command()
@click.option("--repair", is_flag=True, help="Mark what is wrong: the worker then mends it.")
@json_option
@data_dir_option
@one_line_errors
def verify(repair: bool, as_json: bool, data_dir: Path | None) -> None:
    """Compare facts with records, and summaries with facts.

    And each audit log with its hashes. Exit code 1 if any differ.
    """

    async def work(connection: asyncpg.Connection) -> tuple[Findings, int]:
        findings = await verify_all(connection, "verifying")
        return findings, await mend(connection, findings) if repair else 0

    findings, mended = as_worker(data_dir, work)
    report = report_of(findings)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        click.echo(lines_of(report))
        for line in named(findings):
            click.echo(line)
    if mended:
        click.echo(f"left {mended} marks for the worker", err=True)
    sys.exit(1 if findings.mismatches else 0)
