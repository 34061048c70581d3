"""Starting, stopping and running the server as an operator does."""

import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from kelviq_server.platform.local_database import database
from kelviq_server.platform.settings import Settings
from tests.contract.killable import start
from tests.contract.server import Server, _command, _environment, _is_alive, _postgres_of, _ready_address


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    return subprocess.run(
        _command(*words), capture_output=True, text=True, timeout=60, env=_environment() | environment
    )


def test_the_keys_file_is_private_and_complete(server: Server) -> None:
    file = server.data_dir / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = json.loads(file.read_text())
    assert keys.keys() == {"organization", "sandbox", "production"}
    assert keys["organization"].keys() == {"identifier", "slug"}
    for environment, prefix in (("sandbox", "sandbox"), ("production", "live")):
        assert keys[environment]["serverKey"].startswith(f"sk_{prefix}_")
        assert keys[environment]["clientKey"].startswith(f"ck_{prefix}_")


def test_a_second_server_on_the_same_data_says_so(server: Server) -> None:
    second = run("serve", "--port", "0", "--data-dir", str(server.data_dir))
    assert second.returncode == 2
    assert "another kelviq-server" in second.stderr
    assert str(server.data_dir) in second.stderr
    assert "Traceback" not in second.stderr


def test_a_second_server_on_the_same_data_and_port_names_the_data(server: Server) -> None:
    second = run("serve", "--port", server.url.rsplit(":", 1)[1], "--data-dir", str(server.data_dir))
    assert second.returncode == 2
    [line] = second.stderr.strip().splitlines()
    assert str(server.data_dir) in line


def test_a_port_in_use_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    second = run("serve", "--port", port, "--data-dir", str(tmp_path))
    assert second.returncode == 2
    assert "Address already in use" in second.stderr
    assert port in second.stderr
    assert "Traceback" not in second.stderr
    assert _postgres_of(tmp_path) is None


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"KELVIQ_PORT": "eighty"}, "KELVIQ_PORT"),
        ({"KELVIQ_PUBLIC_URL": "billing.example.com"}, "KELVIQ_PUBLIC_URL"),
        ({"KELVIQ_SECRET": "short"}, "KELVIQ_SECRET"),
        ({"KELVIQ_TRUSTED_PROXIES": "everyone"}, "trusted_proxies"),
        ({"KELVIQ_DATABASE_URL": "nonsense"}, "KELVIQ_DATABASE_URL"),
        ({"KELVIQ_RATE_LIMIT_PER_SECOND": "1e-300"}, "KELVIQ_RATE_LIMIT_PER_SECOND"),
        ({"KELVIQ_MAIL_FROM": "nobody"}, "KELVIQ_MAIL_FROM"),
        ({"KELVIQ_MAIL_FROM": "A <a@b.example>\r\nBcc: c@d.example"}, "KELVIQ_MAIL_FROM"),
        ({"KELVIQ_RATE_LIMT": "5"}, "KELVIQ_RATE_LIMT: there is no such setting; did you mean KELVIQ_RATE_LIMIT_PER_"),
        ({"KELVIQ_PROT": "80"}, "did you mean KELVIQ_PORT?"),
        ({"KELVIQ_CONFIG": "/nowhere/kelviq.toml"}, "/nowhere/kelviq.toml"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(environment: dict[str, str], named: str, tmp_path: Path) -> None:
    stopped = run("serve", "--data-dir", str(tmp_path), **environment)
    assert stopped.returncode == 2
    [line] = stopped.stderr.strip().splitlines()
    assert named in line
    assert environment.get("KELVIQ_SECRET", "none") not in line


def test_variables_of_the_clients_are_left_alone(server: Server) -> None:
    beside = {"KELVIQ_ENV": "sandbox", "KELVIQ_API_KEY": "sk_1", "KELVIQ_BASE_URL": "http://localhost"}
    assert run("migrate", "--check", "--data-dir", str(server.data_dir), **beside).returncode == 0


def test_another_secret_than_the_first_is_one_clear_line(server: Server) -> None:
    for command in ("api", "worker"):
        stopped = run(command, "--data-dir", str(server.data_dir), KELVIQ_SECRET="another" * 6, KELVIQ_PORT="0")
        assert stopped.returncode == 2
        [line] = stopped.stderr.strip().splitlines()
        assert "KELVIQ_SECRET" in line


def test_keys_of_an_earlier_database_are_kept(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("earlier")
    server = start(tmp_path)
    server.process.terminate()
    server.close()
    kept = tmp_path / "keys.json.1"
    assert kept.read_text() == "earlier"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "keys.json.1" in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_whose_embedded_database_ended_ends_too(workers: str, tmp_path: Path) -> None:
    server = start(tmp_path, "--workers", workers)
    postgres = _postgres_of(tmp_path)
    assert postgres is not None
    os.kill(postgres, signal.SIGKILL)
    server.close()
    assert server.process.returncode == 3
    last = (tmp_path / "stderr").read_text().strip().splitlines()[-1]
    assert last == f"kelviq-server: the embedded database ended; see {tmp_path / 'postgres.log'}"
    assert not _is_alive(postgres)


def test_a_setting_that_a_file_misspells_is_named(tmp_path: Path) -> None:
    file = tmp_path / "kelviq.toml"
    file.write_text("porte = 9000\n")
    stopped = run("serve", "--data-dir", str(tmp_path), KELVIQ_CONFIG=str(file))
    assert stopped.returncode == 2
    assert "porte" in stopped.stderr
    assert "there is no such setting" in stopped.stderr


def test_operators_are_answered(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/readyz").json() == {"status": "ready"}
    headers = {"Authorization": f"Bearer {server.sandbox.server}"}
    httpx.get(f"{server.url}/api/v1/customers/", headers=headers)
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'kelviq_requests_total{operation="listCustomers",status="200"}' in metrics


def test_a_server_without_its_database_is_alive_but_not_ready(server_without_database: Server) -> None:
    assert httpx.get(f"{server_without_database.url}/healthz").status_code == 200
    assert httpx.get(f"{server_without_database.url}/readyz", timeout=30).status_code == 503


def test_no_key_and_no_email_reach_the_logs(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.sandbox.server}"}
    email = "somebody.private@example.com"
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers) as client:
        client.post("/customers/", json={"customerId": email, "email": email})
        client.get(f"/customers/{email}/", headers={"X-Request-Id": "find-me-in-the-log"})
        client.get(f"/customers/?search={email}")
    log = (server.data_dir / "stderr").read_text()
    assert "find-me-in-the-log" in log
    assert "somebody.private" not in log
    assert server.sandbox.server not in log


def test_several_processes_answer_on_one_socket_and_add_up_their_measurements(tmp_path: Path) -> None:
    server = start(tmp_path, "--workers", "2")
    with server.client() as client:
        for number in range(20):
            assert client.post("/customers/", json={"customerId": f"c{number}"}).status_code == 201
        assert client.get("/customers/").json()["count"] == 20
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'kelviq_requests_total{operation="createCustomer",status="201"} 20.0' in metrics
    server.process.terminate()
    server.close()
    assert server.process.returncode == 0


def test_api_and_worker_run_apart_on_one_database(server: Server, tmp_path: Path) -> None:
    command = _command("api", "--port", "0", "--data-dir", str(server.data_dir))
    api = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=_environment())
    worker = subprocess.Popen(
        _command("worker", "--data-dir", str(server.data_dir)), stderr=subprocess.PIPE, text=True, env=_environment()
    )
    url = _ready_address(api)
    headers = {"Authorization": f"Bearer {server.sandbox.server}"}
    assert httpx.get(f"{url}/api/v1/customers/", headers=headers).status_code == 200
    assert worker.stderr is not None
    assert any("worker ready" in line for line in worker.stderr)
    for process in (api, worker):
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_the_welcome_mail_is_sent(server: Server, partner_key: str) -> None:
    body = {"externalId": "mail", "email": "owner@mail.example.com", "businessName": "Mail & Söhne"}
    headers = {"X-Kelviq-Partner-Key": partner_key}
    made = httpx.post(f"{server.url}/api/v1/partner/organizations/", json=body, headers=headers).json()
    mailbox = server.data_dir / "mailbox"
    while not (mailbox.is_dir() and any("owner@mail" in mail.read_text() for mail in mailbox.glob("*.eml"))):
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    [mail] = [mail.read_text() for mail in mailbox.glob("*.eml") if "owner@mail" in mail.read_text()]
    assert made["organizationIdentifier"] in mail


def test_commands_beside_a_running_server_use_its_database(server: Server) -> None:
    made = json.loads(server.command("org", "create", "Beside"))
    assert made["organization"]["slug"] == "beside"
    assert "beside" in server.command("org", "list")
    key = server.command("keys", "create", "--org", "beside", "--env", "production")
    assert key.startswith("sk_live_")
    listed = server.command("keys", "list", "--org", "beside")
    assert listed.count("in force") == 5
    url, headers = f"{server.url}/api/v1/customers/", {"Authorization": f"Bearer {key}"}
    assert httpx.get(url, headers=headers).status_code == 200
    identifier = [line.split()[1] for line in listed.splitlines() if "production" in line and "server" in line][-1]
    assert server.command("keys", "revoke", identifier) == "revoked"
    while httpx.get(url, headers=headers).status_code != 401:
        pass
    assert "the database is up to date" in server.command("migrate", "--check")


def test_the_embedded_database_takes_as_many_connections_as_are_needed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, workers=8, pool_size=50)
    with database(settings, print) as lent, psycopg.connect(lent.conninfo) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == (str(8 * 51 + 50 + 20),)


def test_a_partner_who_is_revoked_is_let_in_no_more(server: Server) -> None:
    key = server.command("partner", "create", "Leaving")
    url, headers = f"{server.url}/api/v1/partner/organizations/", {"X-Kelviq-Partner-Key": key}
    assert httpx.get(url, headers=headers).status_code == 200
    [line] = [line for line in server.command("partner", "list").splitlines() if "Leaving" in line]
    assert "in force" in line
    assert key not in line
    assert server.command("partner", "revoke", line.split()[1]) == "revoked"
    until = time.monotonic() + 10
    while httpx.get(url, headers=headers).status_code == 200:
        assert time.monotonic() < until
    [line] = [line for line in server.command("partner", "list").splitlines() if "Leaving" in line]
    assert "revoked" in line
    again = run("partner", "revoke", line.split()[1], "--data-dir", str(server.data_dir))
    assert again.returncode == 2


def test_what_does_not_exist_is_one_clear_line(server: Server) -> None:
    for words in (["keys", "create", "--org", "nobody"], ["keys", "revoke", "00000000-0000-0000-0000-000000000000"]):
        refused = run(*words, "--data-dir", str(server.data_dir))
        assert refused.returncode == 2
        assert len(refused.stderr.strip().splitlines()) == 1


def test_an_unprepared_database_is_refused_by_api_and_worker(admin_conninfo: str, tmp_path: Path) -> None:
    unprepared = make_conninfo(admin_conninfo, dbname="postgres", user="kelviq")
    for command in ("api", "worker"):
        refused = run(command, "--database-url", unprepared, "--data-dir", str(tmp_path))
        assert refused.returncode == 2
        assert "kelviq-server migrate" in refused.stderr
    listed = run("org", "list", "--database-url", unprepared, "--data-dir", str(tmp_path))
    assert listed.returncode == 2
    assert "kelviq-server migrate" in listed.stderr
    check = run("migrate", "--check", "--database-url", unprepared, "--data-dir", str(tmp_path))
    assert check.returncode == 1
    assert "pending: 0001_tenants" in check.stdout


def test_a_body_of_two_mebibytes_is_refused_over_the_wire(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.sandbox.server}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers) as client:
        url = f"{server.url}/api/v1/customers/"
        assert client.post(url, content=b" " * 2 * 1024 * 1024).status_code == 413
        assert client.get(url).status_code == 200


def test_what_a_stranger_forwards_does_not_count(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.sandbox.server}"}
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "10.0.0.1"}
    with httpx.Client(headers=headers) as client:
        for number in range(2):
            client.post(f"{server.url}/api/v1/customers/", json={"customerId": f"forwarded-{number}"})
        page = client.get(f"{server.url}/api/v1/customers/?page_size=1", headers=forged).json()
    assert page["next"].startswith(f"{server.url}/api/v1/customers/")
