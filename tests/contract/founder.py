"""Founds an organization for each line that comes in, and prints its sandbox's server key: `org create`, started once.

A process of its own, as that command is: a process has only one pool.
"""

import sys
from pathlib import Path

from kelviq_server.command import run_command
from kelviq_server.tenants.actions.found_organization import found_organization


async def found_all() -> None:
    """Found until there are no more lines."""
    for name in sys.stdin:
        _, keys = await found_organization(name.strip())
        print(keys.sandbox.server.plain, flush=True)  # noqa: T201


if __name__ == "__main__":
    run_command(Path(sys.argv[1]), None, found_all)
