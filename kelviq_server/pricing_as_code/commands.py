"""`kelviq-server catalog`: pull, push and diff."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from kelviq_server.platform.settings import load_settings
from kelviq_server.platform.terminal import OUT, say
from kelviq_server.pricing_as_code import push
from kelviq_server.pricing_as_code.catalog_file import read_catalog, write_catalog
from kelviq_server.pricing_as_code.difference import Difference, difference
from kelviq_server.pricing_as_code.errors import CatalogDrift, CatalogFault, CatalogMistakes, PushStopped
from kelviq_server.pricing_as_code.pull import pull_catalog
from kelviq_server.pricing_as_code.records import Catalog
from kelviq_server.pricing_as_code.server import Server, connect, host_of

T = TypeVar("T")
# Where a key may stand: the names that Kelviq's own command knows.
KEY_VARIABLES = {"sandbox": "KELVIQ_SANDBOX_SERVER_API_KEY", "production": "KELVIQ_SERVER_API_KEY"}
_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "red"}
_NO_ANSWER = "nobody is there to ask; say --yes to go ahead without"

catalog = typer.Typer(no_args_is_help=True, add_completion=False, help="The catalog as a file: pricing as code.")

Url = Annotated[str, typer.Option(help="Address of the server; the hosted one will do.")]
Key = Annotated[
    str | None, typer.Option(help="Server key. Default: $KELVIQ_SANDBOX_SERVER_API_KEY, else that in keys.json.")
]
Environment = Annotated[
    str, typer.Option("--environment", "--env", help="Whose key: sandbox, or production ($KELVIQ_SERVER_API_KEY).")
]
DataDir = Annotated[Path | None, typer.Option(help="Where keys.json stands. Default .data")]
File = Annotated[Path, typer.Argument(help="The catalog, in YAML.")]
_LOCAL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class _Rollout:
    """What publishing does, where it was asked for."""

    is_wanted: bool
    migrate_features: bool
    migrate_pricing: bool


@catalog.command("pull")
def pull_command(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("catalog.yaml"),
    url: Url = _LOCAL,
    key: Key = None,
    environment: Environment = "sandbox",
    data_dir: DataDir = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the server's catalog into a file."""
    if file.exists() and not force:
        raise CatalogFault(f"{file} is there already; --force writes over it")
    found = _run(url, key, environment, data_dir, pull_catalog)
    text = write_catalog(found.catalog())
    file.write_text(text, encoding="utf-8")
    _warn(found.warnings)
    sold = f"{len(found.products)} products, {len(found.features)} features, {len(found.plans)} plans"
    OUT.print(f"{file}: {sold}", markup=False)


@catalog.command("diff")
def diff_command(
    file: File,
    url: Url = _LOCAL,
    key: Key = None,
    environment: Environment = "sandbox",
    data_dir: DataDir = None,
) -> None:
    """Show what a push would change; exit 1 if anything."""
    wanted = _read(file)
    found = _run(url, key, environment, data_dir, pull_catalog)
    asked = difference(wanted, found)
    _show(asked)
    if asked.changes or asked.drifts:
        raise typer.Exit(1)
    OUT.print("no difference")


@catalog.command("push")
def push_command(
    file: File,
    url: Url = _LOCAL,
    key: Key = None,
    environment: Environment = "sandbox",
    data_dir: DataDir = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Put the plans on sale, too.")] = False,
    migrate_features: Annotated[
        bool, typer.Option("--migrate-features", help="With --publish: earlier buyers get the new entitlements.")
    ] = False,
    migrate_pricing: Annotated[
        bool, typer.Option("--migrate-pricing", help="With --publish: earlier buyers pay the new prices.")
    ] = False,
) -> None:
    """Make the server's catalog what the file says, after showing the difference. Plans are drafts until published."""
    if (migrate_features or migrate_pricing) and not publish:
        raise CatalogFault("--migrate-features and --migrate-pricing say what --publish does; it is missing")
    wanted = _read(file)
    rollout = _Rollout(publish, migrate_features, migrate_pricing)
    _run(url, key, environment, data_dir, lambda server: _push(server, wanted, rollout, yes=yes))


async def _push(server: Server, wanted: Catalog, rollout: _Rollout, *, yes: bool) -> None:
    found = await pull_catalog(server)
    asked = difference(wanted, found)
    _show(asked)
    if asked.drifts:
        raise CatalogDrift(asked.drifts)
    unpublished = asked.unpublished if rollout.is_wanted else ()
    if not asked.changes:
        OUT.print("nothing to change")
    elif _may(f"Apply {len(asked.changes)} changes?", yes=yes):
        await _told(push.apply(server, found, asked, _done))
        OUT.print(f"{len(asked.changes)} changes applied")
    else:
        OUT.print("nothing was changed")
        raise typer.Exit(1)
    if unpublished and _may(_question(unpublished, rollout), yes=yes):
        await _told(
            push.publish(
                server, unpublished, _done,
                migrate_features=rollout.migrate_features, migrate_pricing=rollout.migrate_pricing,
            )
        )  # fmt: skip
        OUT.print(f"{len(unpublished)} plans published")


def _done(line: str) -> None:
    say(f"done: {line}")


def _question(plans: tuple[str, ...], rollout: _Rollout) -> str:
    """Return what is asked before publishing, with what it means for those who bought before."""
    lines = [f"Publish {', '.join(plans)}?"]
    if rollout.migrate_features:
        lines.append("Earlier buyers get the new entitlements from their next period on.")
    if rollout.migrate_pricing:
        lines.append("Earlier buyers pay the new prices from their next period on.")
    return " ".join(lines)


def _may(question: str, *, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise CatalogFault(_NO_ANSWER)
    return typer.confirm(question)


async def _told(work: Coroutine[Any, Any, None]) -> None:
    """Say what was not done any more, where a push stops."""
    try:
        await work
    except PushStopped as stopped:
        for line in stopped.left:
            say(f"not done: {line}")
        raise


def _show(asked: Difference) -> None:
    for line in [*asked.lines, *asked.drifts]:
        OUT.print(line, style=_COLOURS.get(line[:1]), markup=False)
    _warn(asked.only_there)


def _warn(lines: tuple[str, ...] | list[str]) -> None:
    for line in lines:
        say(f"note: {line}")


def _read(file: Path) -> Catalog:
    try:
        return read_catalog(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CatalogFault(f"{file} is not a text in UTF-8") from None
    except CatalogMistakes as error:
        raise CatalogFault("\n".join(f"{file}: {mistake}" for mistake in error.mistakes)) from None


def _run(
    url: str,
    key: str | None,
    environment: str,
    data_dir: Path | None,
    work: Callable[[Server], Coroutine[Any, Any, T]],
) -> T:
    async def with_server() -> T:
        async with connect(url, _key(url, key, environment, data_dir)) as client:
            return await work(Server(client))

    return asyncio.run(with_server())


def _key(url: str, key: str | None, environment: str, data_dir: Path | None) -> str:
    """Return the key to call with; the one in keys.json is shown to this machine's own server only."""
    if environment not in KEY_VARIABLES:
        raise CatalogFault(f"--environment is sandbox or production, not {environment}")
    variable = KEY_VARIABLES[environment]
    if given := (key or os.environ.get(variable)):
        return given.strip()
    if not _is_local(url):
        raise CatalogFault(f"which key? Set {variable}, or use --key")
    file = load_settings(data_dir=data_dir).data_dir / "keys.json"
    try:
        return str(json.loads(file.read_text())[environment]["serverKey"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CatalogFault(f"there is no key in {file}; set {variable}, or use --key") from None


def _is_local(url: str) -> bool:
    host = host_of(url)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
