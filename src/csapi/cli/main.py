"""The csapi command. Each subcommand lives in a module of its own, imported when it is called."""

import importlib

import click

COMMANDS = {
    "up": "csapi.cli.up:up",
    "migrate": "csapi.cli.migrate:migrate",
    "serve": "csapi.cli.serve:serve",
    "worker": "csapi.cli.worker:worker",
    "tenants": "csapi.cli.tenants:tenants",
    "keys": "csapi.cli.keys:keys",
    "budgets": "csapi.cli.budgets:budgets",
    "erasures": "csapi.cli.erasures:erasures",
    "users": "csapi.cli.users:users",
    "auth": "csapi.cli.auth:auth",
    "import": "csapi.cli.import_:import_",
    "verify": "csapi.cli.verify:verify",
    "repair": "csapi.cli.repair:repair",
    "backup": "csapi.cli.backup:backup",
    "drill": "csapi.cli.backup:drill",
    "retention": "csapi.cli.retention:retention",
    "doctor": "csapi.cli.doctor:doctor",
    "explain": "csapi.cli.explain:explain",
    "openapi": "csapi.cli.openapi:openapi",
    "check": "csapi.cli.check:check",
}


class LazyGroup(click.Group):
    """Imports a subcommand only when it runs, so that `csapi import` starts in no time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="csapi")
def main() -> None:
    """Customer service analytics: push tickets, calls and feedback; read exact KPIs."""
