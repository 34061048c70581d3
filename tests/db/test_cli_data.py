"""The commands that fill, read and write an environment, as an operator types them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import SECRET
from tests.make import Made

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def put(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def kept(file: Path) -> list[str]:
    return file.read_text().splitlines()


@pytest.fixture
def run(made: Made, conninfo: str, tmp_path: Path) -> Run:
    """Run `kelviq-server` on the tests' database, for an organization of this test's own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KELVIQ_")}

    def run(*words: str | Path, org: str = made.organization.slug) -> "subprocess.CompletedProcess[str]":
        options = ["--org", org, "--database-url", conninfo, "--data-dir", str(tmp_path / "data")]
        return subprocess.run(
            [sys.executable, "-m", "kelviq_server", *map(str, words), *options],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment | {"KELVIQ_SECRET": SECRET},
        )

    return run


async def test_a_seeded_environment_is_exported_and_taken_in_by_another(run: Run, tmp_path: Path) -> None:
    seeded = run("seed", "customers", "--count", "25")
    assert (seeded.returncode, seeded.stdout) == (0, "25 customers added\n")

    file = tmp_path / "all.csv"
    exported = run("export", "customers", file)
    assert (exported.returncode, exported.stdout) == (0, "")
    assert "25 customers written" in exported.stderr

    imported = run("import", "customers", file, "--environment", "production")
    assert (imported.returncode, imported.stdout) == (0, "25 added, 0 already there, 0 rejected\n")
    again = run("import", "customers", file, "--environment", "production")
    assert (again.returncode, again.stdout) == (0, "0 added, 25 already there, 0 rejected\n")

    shown = run("export", "customers", "--environment", "production")
    assert shown.returncode == 0
    names = [json.loads(line)["customerId"] for line in shown.stdout.splitlines()]
    assert names == [f"cus_{number:09}" for number in range(1, 26)]


async def test_rejected_lines_are_told_of_and_kept(run: Run, tmp_path: Path) -> None:
    file = put(tmp_path / "some.jsonl", '{"customerId": "ada"}\n{"customerId": ""}\n')
    done = run("import", "customers", file)
    assert done.returncode == 1
    assert done.stdout == f"1 added, 0 already there, 1 rejected\nsee {file}.rejected\n"
    (line,) = kept(tmp_path / "some.jsonl.rejected")
    assert json.loads(line) == {
        "line": 2,
        "reason": {"customerId": ["This field may not be blank."]},
        "text": '{"customerId": ""}',
    }


async def test_what_cannot_be_done_is_one_line(run: Run, tmp_path: Path) -> None:
    missing = run("import", "customers", tmp_path / "nothing.csv")
    assert missing.returncode == 2
    assert "nothing.csv" in missing.stderr
    nobody = run("seed", "customers", org="nobody")
    assert nobody.returncode == 2
    assert nobody.stderr.startswith("kelviq-server: there is no such organization")
    nowhere = run("export", "customers", tmp_path / "no" / "such.csv")
    assert nowhere.returncode == 2
    assert "Traceback" not in nowhere.stderr
    assert "No such file or directory" in nowhere.stderr
