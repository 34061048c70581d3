"""SeaweedFS, the S3 server that the file stores are held against: on loopback, with a directory of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kelviq_server.platform.s3_files import Bucket
from kelviq_server.platform.s3_signing import Credentials

PROGRAM = Path(sys.executable).with_name("weed")
START_SECONDS = 60
ATTEMPTS = 3
CREDENTIALS = Credentials("test-key", "a test secret", "us-east-1")
BUCKET = "files"
# Each part of the server listens twice, and once more for machines.
PARTS = ("master", "volume", "filer", "s3")


@contextmanager
def running_seaweed(directory: Path) -> Iterator[Bucket]:
    """Serve a bucket until the block ends; skipped where the program is missing."""
    if not PROGRAM.is_file():
        pytest.skip(f"NOT TESTED AGAINST AN S3 SERVER: there is no {PROGRAM}; `make setup` installs it")
    with ExitStack() as stack:
        for attempt in range(1, ATTEMPTS + 1):
            bucket = stack.enter_context(_process(directory / str(attempt), is_last=attempt == ATTEMPTS))
            if bucket is not None:
                yield bucket
                return


@contextmanager
def _process(directory: Path, *, is_last: bool) -> Iterator[Bucket | None]:
    """Serve a bucket until the block ends; none where it ended at once, its port taken meanwhile."""
    directory.mkdir()
    ports = _free_ports(2 * len(PARTS))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(_command(directory, ports), stdout=log, stderr=log, cwd=directory)
    try:
        bucket = Bucket(BUCKET, CREDENTIALS.region, f"http://127.0.0.1:{ports[2 * PARTS.index('s3')]}")
        is_there = _wait_for(bucket, process, directory / "log")
        assert is_there or not is_last, f"SeaweedFS ended:\n{(directory / 'log').read_text()}"
        yield bucket if is_there else None
    finally:
        # Asked to stop it takes ten seconds over it; nothing of it is needed any more.
        process.kill()
        process.wait()
        for port in ports:
            for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                path.unlink(missing_ok=True)


def client(bucket: Bucket) -> Any:
    """Return the official client of S3 for it."""
    return boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def _command(directory: Path, ports: list[int]) -> list[str]:
    keys = {"accessKey": CREDENTIALS.access_key_id, "secretKey": CREDENTIALS.secret_access_key}
    identity = {"name": "test", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
    (directory / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (directory / "data").mkdir()
    named = zip((f"-{part}.port{grpc}" for part in PARTS for grpc in ("", ".grpc")), ports, strict=True)
    return [
        *(str(PROGRAM), "server", f"-dir={directory / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"{option}={port}" for option, port in named),
        *("-s3", f"-s3.config={directory / 'identities.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-volume.max=8", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
    ]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _wait_for(bucket: Bucket, process: subprocess.Popen[bytes], log: Path) -> bool:
    """Return true once an object can be written, false when the program has ended."""
    s3, too_late = client(bucket), time.monotonic() + START_SECONDS
    while True:
        if process.poll() is not None:
            return False
        try:
            if BUCKET not in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
                s3.create_bucket(Bucket=BUCKET)
            s3.put_object(Bucket=BUCKET, Key="probe", Body=b"x")
            return True
        except (BotoCoreError, ClientError):
            assert time.monotonic() < too_late, f"SeaweedFS did not start:\n{log.read_text()}"
            time.sleep(0.05)
