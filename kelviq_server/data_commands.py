"""The sub-commands that bring data in and out: `seed`, `import`, `export`."""

from pathlib import Path
from typing import Annotated

import typer

from kelviq_server.catalog.rates.actions.import_rates import import_rates
from kelviq_server.command import DatabaseUrl, DataDir, Environment, Fault, Org, group, run_command, run_for
from kelviq_server.core.errors import Refusal
from kelviq_server.customers.actions.export_customers import export_customers
from kelviq_server.customers.actions.import_customers import import_customers
from kelviq_server.customers.actions.seed_customers import seed_customers
from kelviq_server.platform.json_body import parse
from kelviq_server.platform.terminal import OUT, Progress, say
from kelviq_server.tenants.records import EnvironmentName
from kelviq_server.visitors.actions.import_networks import import_networks
from kelviq_server.visitors.records import Network

seed = group("Fill an environment with made-up data.")
imports = group("Read data from files.")
exports = group("Write data to files.")


@seed.command("customers")
def seed_customers_command(
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1000,
    org: Org = None,
    environment: Environment = EnvironmentName.SANDBOX,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add made-up customers, with names, e-mails and addresses that look real."""
    with Progress("seeding customers", count) as progress:
        run_for(data_dir, database_url, org, environment, lambda to: seed_customers(to, count, progress.advance))
    OUT.print(f"{count} customers added")


@imports.command("customers")
def import_customers_command(
    file: Annotated[Path, typer.Argument(help="FILE.csv or FILE.jsonl")],
    org: Org = None,
    environment: Environment = EnvironmentName.SANDBOX,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add the customers of a file. Doing it again changes nothing; lines that cannot be taken go to FILE.rejected."""
    if not file.is_file():
        raise Fault(f"there is no file {file}")
    with Progress(f"importing {file.name}", file.stat().st_size, is_bytes=True) as progress:
        outcome = run_for(
            data_dir, database_url, org, environment, lambda to: import_customers(to, file, progress.advance)
        )
    OUT.print(f"{outcome.added} added, {outcome.unchanged} already there, {outcome.rejected} rejected")
    if outcome.rejected:
        OUT.print(f"see {file}.rejected", markup=False)
        raise typer.Exit(1)


@imports.command("networks")
def import_networks_command(
    kind: Annotated[Network, typer.Argument(help="What the file lists: vpn, tor, proxy, relay or data_centre.")],
    file: Annotated[Path, typer.Argument(help="One address or range at the beginning of each line.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let a file be all that is known of VPNs, Tor, proxies, relays or data centres, in place of what was."""
    if not file.is_file():
        raise Fault(f"there is no file {file}")
    lines = file.read_text(errors="replace").splitlines()
    try:
        imported = run_command(data_dir, database_url, lambda: import_networks(kind, lines))
    except Refusal as refusal:
        raise Fault(f"{file}: {refusal.text}") from None
    OUT.print(f"{imported.ranges} ranges of {kind.value} known")


@imports.command("rates")
def import_rates_command(
    file: Annotated[Path, typer.Argument(help="FILE.json: a day's rates, as Frankfurter or currency-api have them.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take in exchange rates, by which prices are shown in other currencies; they are never charged."""
    if not file.is_file():
        raise Fault(f"there is no file {file}")
    try:
        feed = parse(file.read_bytes())
        imported = run_command(data_dir, database_url, lambda: import_rates(feed))
    except ValueError as fault:
        raise Fault(f"{file}: {fault}") from None
    except Refusal as refusal:
        raise Fault(f"{file}: {refusal.text}") from None
    OUT.print(f"{len(imported.rates)} rates of {imported.dated_on} known")


@exports.command("customers")
def export_customers_command(
    file: Annotated[Path | None, typer.Argument(help="FILE.csv or FILE.jsonl; none: JSON lines to the screen")] = None,
    org: Org = None,
    environment: Environment = EnvironmentName.SANDBOX,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write every customer, oldest first, in the form that import reads."""
    with Progress("exporting customers", None) as progress:
        count = run_for(
            data_dir, database_url, org, environment, lambda to: export_customers(to, file, progress.advance)
        )
    say(f"{count} customers written")
