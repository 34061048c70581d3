"""The command `kelviq-server`.

What only one sub-command needs and takes long to load, it imports itself: the API and the worker are most of the code,
and `org create` need not wait for them.
"""

import json
import sys
from contextlib import suppress
from functools import partial
from socket import socket
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from kelviq_server.billing.verification.records import Verified
from kelviq_server.command import (
    DatabaseUrl,
    DataDir,
    Environment,
    Fault,
    Host,
    Org,
    Port,
    PublicUrl,
    Workers,
    group,
    run_command,
    settings_of,
)
from kelviq_server.data_commands import exports, imports, seed
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.partner.actions.revoke_partner import revoke_partner
from kelviq_server.partner.steps import list_partners
from kelviq_server.platform import serving
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.local_database import Lent, bring_up_to_date, database, lent_tx, refuse_pending, run
from kelviq_server.platform.migrate import MigrationFault, pending_migrations
from kelviq_server.platform.pg_errors import EmbeddedError
from kelviq_server.platform.settings import Settings, WrongSetting
from kelviq_server.platform.terminal import OUT, Progress, complain, say, show, table_of
from kelviq_server.platform.vault import current_vault, keep_earlier, write_private
from kelviq_server.pricing_as_code.commands import catalog
from kelviq_server.pricing_as_code.errors import CatalogFault
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.actions.check_secret import check_secret
from kelviq_server.tenants.actions.create_key import create_key
from kelviq_server.tenants.actions.first_start import first_start
from kelviq_server.tenants.actions.found_organization import found_organization
from kelviq_server.tenants.actions.revoke_key import revoke_key
from kelviq_server.tenants.records import EnvironmentName, KeyKind, Organization, OrganizationKeys

HELP = "The command `kelviq-server`."
# Two keys side by side are never broken.
BANNER_WIDTH = 125
SHOWN_KEYS = 1000


cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
cli.add_typer(org := group("Organizations."), name="org")
cli.add_typer(keys := group("API keys."), name="keys")
cli.add_typer(partner := group("Partners."), name="partner")
cli.add_typer(seed, name="seed")
cli.add_typer(imports, name="import")
cli.add_typer(exports, name="export")
cli.add_typer(catalog, name="catalog")


def main() -> None:
    """Run the command line; whatever stops it is one line, not a traceback."""
    try:
        cli()
    except (Fault, CatalogFault, WrongSetting, EmbeddedError, MigrationFault, OSError) as error:
        complain(str(error))
        raise SystemExit(2) from None
    except psycopg.Error as error:
        complain(f"the database: {(str(error) or type(error).__name__).splitlines()[0]}")
        raise SystemExit(2) from None
    except serving.Unhealthy as error:
        complain(str(error))
        raise SystemExit(3) from None
    except (serving.Stopped, KeyboardInterrupt):
        raise SystemExit(130) from None


@cli.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    public_url: PublicUrl = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Sell a made-up catalog in a sandbox that sells nothing.")
    ] = False,
) -> None:
    """Start the server: database, migrations, API and background worker."""
    settings = settings_of(
        host=host, port=port, data_dir=data_dir, database_url=database_url, workers=workers, public_url=public_url
    )
    serving.stop_on_signals()
    # The database first: a second server on the same directory hears of that, not of the port.
    with database(settings, say, own=True) as lent:
        listener = serving.listen_on(settings.host, settings.port)
        bring_up_to_date(lent.conninfo, say)
        _check_secret(settings, lent)
        founded = run(settings, lent.conninfo, lambda: first_start(partial(_save_keys, settings)))
        if founded:
            _banner(settings, *founded)
        if demo:
            _fill_demo(settings, lent)
        _serve(settings, lent, listener, with_worker=True)


@cli.command()
def api(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    public_url: PublicUrl = None,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    ready_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    parent_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Answer requests only, on a database that `serve` or `migrate` has prepared."""
    settings = settings_of(
        host=host, port=port, data_dir=data_dir, database_url=database_url, workers=workers, public_url=public_url
    )
    serving.stop_on_signals()
    with database(settings, say) as lent:
        refuse_pending(lent.conninfo)
        _check_secret(settings, lent)
        if fd is None:
            _serve(settings, lent, serving.listen_on(settings.host, settings.port), with_worker=False)
        else:
            from kelviq_server.app import create_app

            app = create_app(settings, lent.conninfo, with_worker=False)
            serving.run_child(app, fd, ready_fd, parent_fd)


@cli.command()
def worker(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    parent_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Do the background work only: events, mails, sweeping."""
    settings = settings_of(data_dir=data_dir, database_url=database_url)
    serving.stop_on_signals()
    with database(settings, say) as lent:
        refuse_pending(lent.conninfo)
        _check_secret(settings, lent)
        from kelviq_server.worker import run_worker

        say("worker ready")
        with suppress(serving.Stopped):
            run(settings, lent.conninfo, lambda: run_worker(settings, parent_fd))


@cli.command("migrate")
def migrate_command(
    check: Annotated[bool, typer.Option("--check", help="Only say what is pending; exit 1 if anything is.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the database up to date."""
    with database(settings_of(data_dir=data_dir, database_url=database_url), say) as lent:
        if not check:
            bring_up_to_date(lent.conninfo, say)
            OUT.print("the database is up to date")
            return
        with psycopg.connect(lent.conninfo, autocommit=True) as connection:
            pending = pending_migrations(connection)
        for migration in pending:
            OUT.print(f"pending: {migration.name}")
        if pending:
            raise typer.Exit(1)
        OUT.print("the database is up to date")


@org.command("create")
def org_create(name: str, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Found an organization and show its keys, this once."""
    organization, made = run_command(data_dir, database_url, lambda: found_organization(name))
    OUT.print_json(json.dumps(_keys_document(organization, made)))


@org.command("list")
def org_list(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List the organizations."""

    async def listed() -> list[Organization]:
        async with reading(INSTANCE) as tx:
            found = page = await tenants.list_organizations(tx)
            while page:
                found = found + (page := await tenants.list_organizations(tx, page[-1].id))
            return found

    table = table_of("slug", "name", "identifier", "founded")
    for organization in run_command(data_dir, database_url, listed):
        founded = f"{organization.created_at:%Y-%m-%d %H:%M}"
        table.add_row(organization.slug, organization.name, str(organization.identifier), founded)
    show(table)


@keys.command("create")
def keys_create(
    org: Org = None,
    environment: Environment = EnvironmentName.SANDBOX,
    kind: Annotated[KeyKind, typer.Option(help="What the key may do.")] = KeyKind.SERVER,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Create a key and print it, this once."""
    key = run_command(data_dir, database_url, lambda: create_key(org, environment, kind))
    if key is None:
        raise Fault(f"there is no organization {org or ''}".strip())
    OUT.print(key.plain, markup=False)


@keys.command("list")
def keys_list(org: Org = None, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List keys by their first characters."""
    table = table_of("id", "organization", "environment", "kind", "begins", "state")
    found = run_command(data_dir, database_url, lent_tx(lambda tx: tenants.list_keys(tx, org, SHOWN_KEYS)))
    for key in found:
        state = "in force" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d}"
        table.add_row(str(key.id), key.organization_slug, key.environment, key.kind, key.shown, state)
    show(table)
    if len(found) == SHOWN_KEYS:
        say(f"these are the first {SHOWN_KEYS}; --org shows those of one organization")


@keys.command("revoke")
def keys_revoke(id: UUID, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Revoke a key, by its id, at once and everywhere."""
    if not run_command(data_dir, database_url, lambda: revoke_key(id)):
        raise Fault(f"there is no key {id} in force")
    OUT.print("revoked")


@partner.command("create")
def partner_create(name: str, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Let a partner in and print its key, this once."""
    OUT.print(run_command(data_dir, database_url, lambda: create_partner(name)), markup=False)


@partner.command("list")
def partner_list(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List partners, with the first characters of their keys."""
    table = table_of("id", "name", "begins", "state")
    for found in run_command(data_dir, database_url, lent_tx(list_partners)):
        state = "in force" if found.revoked_at is None else f"revoked {found.revoked_at:%Y-%m-%d}"
        table.add_row(str(found.id), found.name, found.key_shown, state)
    show(table)


@partner.command("revoke")
def partner_revoke(id: int, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Revoke a partner's key, by the partner's id, at once and everywhere."""
    if not run_command(data_dir, database_url, lambda: revoke_partner(id)):
        raise Fault(f"there is no partner {id} with a key in force")
    OUT.print("revoked")


@cli.command()
def verify(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Reckon every invoice, balance, report and count of the instance anew, and report what differs. Nothing should."""
    from kelviq_server.billing.verification.actions.verify_books import verify_books
    from kelviq_server.billing.verification.steps import use_more_questions
    from kelviq_server.worker import questions

    async def verified() -> list[tuple[str, Verified]]:
        async with reading(INSTANCE) as tx:
            everybody = await tenants.list_named_tenants(tx)
        return [(name, await verify_books(tenant, progress.advance)) for name, tenant in everybody.items()]

    use_more_questions(questions())
    with Progress("reckoning anew", None) as progress:
        outcome = run_command(data_dir, database_url, verified)
    table = table_of("environment", "what", "which", "expected", "found")
    for name, each in outcome:
        for difference in each.differences:
            table.add_row(name, difference.what, difference.id, difference.expected, difference.found)
    invoices = sum(each.invoices for _, each in outcome)
    if table.row_count:
        show(table)
        complain(f"{table.row_count} differences in the books of {len(outcome)} environments")
        raise typer.Exit(1)
    reports = sum(each.reports for _, each in outcome)
    books = f"the books of {len(outcome)} environments"
    OUT.print(f"{invoices} invoices, {reports} reports and {books} verified: no difference")


def _check_secret(settings: Settings, lent: Lent) -> None:
    run(settings, lent.conninfo, lambda: check_secret(current_vault()))


def _fill_demo(settings: Settings, lent: Lent) -> None:
    from kelviq_server.demo import fill_demo

    if run(settings, lent.conninfo, fill_demo):
        say("the sandbox sells the demo catalog: /api/v1/catalog/plans/")


def _serve(settings: Settings, lent: Lent, listener: socket, *, with_worker: bool) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def ready() -> None:
        print(f"ready http://{host}:{listener.getsockname()[1]}", flush=True)  # noqa: T201

    if settings.workers == 1:
        from kelviq_server.app import create_app

        app = create_app(settings, lent.conninfo, with_worker=with_worker)
        serving.run_app(app, listener, ready, fault=lent.fault)
        return
    environment = serving.shared_environment(settings, lent.conninfo)
    command = [sys.executable, "-m", "kelviq_server"]
    background = [[*command, "worker"]] if with_worker else []
    serving.run_processes([*command, "api"], settings.workers, listener, ready, background, environment, lent.fault)


def _keys_document(organization: Organization, made: OrganizationKeys) -> dict[str, Any]:
    return {
        "organization": {"identifier": str(organization.identifier), "slug": organization.slug},
        "sandbox": {"serverKey": made.sandbox.server.plain, "clientKey": made.sandbox.client.plain},
        "production": {"serverKey": made.production.server.plain, "clientKey": made.production.client.plain},
    }


def _save_keys(settings: Settings, organization: Organization, made: OrganizationKeys) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = settings.data_dir / "keys.json"
    if earlier := keep_earlier(file):
        say(f"{file} was there already: its keys are now in {earlier}")
    write_private(file, json.dumps(_keys_document(organization, made), indent=2) + "\n")


def _banner(settings: Settings, organization: Organization, made: OrganizationKeys) -> None:
    """Show the first keys; they are not stored in full, so this is the only time."""
    title = f"{organization.name} is ready. Its keys, shown this once:"
    table = table_of("environment", "server key (secret)", "client key (public)", title=title)
    table.add_row("sandbox", made.sandbox.server.plain, made.sandbox.client.plain)
    table.add_row("production", made.production.server.plain, made.production.client.plain)
    show(table, at_least=BANNER_WIDTH)
    OUT.print(f"They also stand in {settings.data_dir / 'keys.json'}, readable by you alone.", markup=False)
