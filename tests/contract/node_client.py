"""The official Node client, in the versions of the lock file, and scripts that call it."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "node"
LOCK = FOLDER / "package-lock.json"
# Node and npm come with the development tools; the machine's own are left alone.
BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 300


def install() -> None:
    """Install the client, unless it is; one process installs it, the others wait."""
    done = FOLDER / "node_modules" / ".installed-by-tests"
    with LOCK.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        locked = file.read()
        if not done.exists() or done.read_text() != locked:
            _run(str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            done.write_text(locked)


def report_of(script: str, arguments: Any) -> Any:
    """Return what a script prints when it is given these arguments, both as JSON."""
    return json.loads(_run(str(BIN / "node"), script, json.dumps(arguments)))


def _run(*command: str) -> str:
    environment = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
