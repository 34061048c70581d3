"""What every sub-command starts from: its usual options, the settings, a database, an environment."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from kelviq_server.platform.database import INSTANCE, Tenant, reading
from kelviq_server.platform.local_database import bring_up_to_date, database, refuse_pending, run
from kelviq_server.platform.logs import set_up_logs
from kelviq_server.platform.settings import Settings, load_settings
from kelviq_server.platform.terminal import say
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.records import EnvironmentName

T = TypeVar("T")

DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database lives. Default .data")]
DatabaseUrl = Annotated[str | None, typer.Option(help="A PostgreSQL of your own instead of the embedded one.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one. Default 8000")]
PublicUrl = Annotated[str | None, typer.Option(help="Address under which callers reach the server.")]
Workers = Annotated[int | None, typer.Option(help="Processes that answer requests. Default 1")]
Org = Annotated[str | None, typer.Option("--org", help="Slug of the organization. Default: the first one")]
Environment = Annotated[EnvironmentName, typer.Option("--environment", "--env", help="Which environment.")]


class Fault(Exception):
    """The command cannot be carried out; the message is the one line that says why."""


def group(help: str) -> typer.Typer:
    """Return a group of sub-commands, which shows its help where none is named."""
    return typer.Typer(no_args_is_help=True, help=help, add_completion=False)


def settings_of(**options: Any) -> Settings:
    """Return the settings, with the options of the command that were given, and log as they say."""
    settings = load_settings(**options)
    set_up_logs(settings.log_level, settings.log_format)
    return settings


def run_command(data_dir: Path | None, database_url: str | None, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one piece of work on the chosen database; only one that nobody runs is brought up to date on the way."""
    settings = settings_of(data_dir=data_dir, database_url=database_url)
    with database(settings, say) as lent:
        if lent.is_ours:
            bring_up_to_date(lent.conninfo, say)
        else:
            refuse_pending(lent.conninfo)
        return run(settings, lent.conninfo, work)


def run_for(
    data_dir: Path | None,
    database_url: str | None,
    org: str | None,
    environment: EnvironmentName,
    work: Callable[[Tenant], Coroutine[Any, Any, T]],
) -> T:
    """Run one piece of work for one environment; without a slug, of the first organization."""

    async def for_tenant() -> T:
        async with reading(INSTANCE) as tx:
            tenant = await tenants.find_tenant(tx, org, environment)
        if tenant is None:
            raise Fault("there is no such organization; `kelviq-server serve` founds one, `org create` another")
        return await work(tenant)

    return run_command(data_dir, database_url, for_tenant)
