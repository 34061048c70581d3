"""`kelviq-server catalog` against a server, as an operator types it."""

import os
import pty
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.catalog_example import EXAMPLE
from tests.contract.server import Server, _command, _environment

_numbers = count(1)
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shop:
    """A sandbox of its own, and a folder to work in."""

    url: str
    key: str
    folder: Path

    def catalog(self, *words: str, key: str | None = None, url: str | None = None) -> Done:
        command = _command("catalog", *words, "--url", url or self.url, "--key", key or self.key)
        return subprocess.run(
            command, cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip

    def done(self, *words: str) -> str:
        done = self.catalog(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, text: str, name: str = "catalog.yaml") -> str:
        (self.folder / name).write_text(text)
        return name

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, f"{self.url}/api/v1/catalog{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    return Shop(server.url, server.found(f"Shop {next(_numbers)}"), tmp_path)


@pytest.fixture
def pushed(shop: Shop) -> Shop:
    """A shop that has the whole example, published."""
    shop.done("push", shop.write(EXAMPLE), "--yes", "--publish")
    return shop


def edited(shop: Shop, change: Callable[[str], str]) -> str:
    before = (shop.folder / "catalog.yaml").read_text()
    after = change(before)
    assert before != after
    return shop.write(after)


def test_an_empty_server_is_pulled_and_pushed_back(shop: Shop) -> None:
    assert shop.done("pull") == "catalog.yaml: 0 products, 0 features, 0 plans\n"
    assert shop.done("diff", "catalog.yaml") == "no difference\n"
    assert shop.done("push", "catalog.yaml") == "nothing to change\n"


def test_what_is_pushed_is_pulled_and_differs_in_nothing(pushed: Shop) -> None:
    assert pushed.done("diff", "catalog.yaml") == "no difference\n"
    pushed.done("pull", "again.yaml")
    assert pushed.done("diff", "again.yaml") == "no difference\n"
    assert pushed.done("push", "again.yaml", "--publish") == "nothing to change\n"
    pushed.done("pull", "third.yaml")
    assert (pushed.folder / "third.yaml").read_text() == (pushed.folder / "again.yaml").read_text()


def test_drafts_are_written_and_publishing_takes_those_that_say_what_the_file_says(shop: Shop) -> None:
    shop.done("push", shop.write(EXAMPLE), "--yes")
    assert {plan["isLatest"] for plan in shop.api("GET", "/plans/")["results"]} == {False}
    out = shop.done("push", "catalog.yaml", "--yes", "--publish")
    assert out == "nothing to change\n4 plans published\n"
    assert {plan["isLatest"] for plan in shop.api("GET", "/plans/")["results"]} == {True}


def test_an_edit_of_a_published_plan_is_a_draft_until_it_is_published(pushed: Shop) -> None:
    file = edited(pushed, lambda text: text.replace("name: Pro\n", "name: Pro Plan\n").replace("129}", "139}"))
    shown = pushed.catalog("diff", file)
    assert shown.returncode == 1
    assert shown.stdout.splitlines() == [
        '~ plan pro: name "Pro" -> "Pro Plan"',
        "~ plan pro: price USD of the plan THREE_MONTHS amount 129 -> 139",
    ]
    pushed.done("push", file, "--yes")
    versions = pushed.api("GET", "/plans/pro/versions/")["results"]
    assert [(each["version"], each["name"], each["isLatest"]) for each in versions] == [
        (2, "Pro Plan", False), (1, "Pro", True),
    ]  # fmt: skip
    assert pushed.done("push", file, "--yes", "--publish", "--migrate-pricing").endswith("1 plans published\n")
    assert [each["isLatest"] for each in pushed.api("GET", "/plans/pro/versions/")["results"]] == [True, False]
    assert pushed.done("diff", file) == "no difference\n"


def test_what_is_taken_out_of_a_list_is_taken_away_and_what_has_no_list_is_left_alone(pushed: Shop) -> None:
    file = edited(pushed, lambda text: text.replace("entitlements: [{feature: sso, value: false}, {feature: calls, "
                                                    "hasUnlimitedUsage: true}]\n    prices: [{priceType: FREE}]",
                                                    "entitlements: [{feature: sso, value: true}]"))  # fmt: skip
    assert pushed.catalog("diff", file).stdout.splitlines() == [
        "~ plan starter: entitlement sso value false -> true",
        "- plan starter: entitlement calls",
    ]
    pushed.done("push", file, "--yes", "--publish")
    assert pushed.done("diff", file) == "no difference\n"
    assert [each["priceType"] for each in pushed.api("GET", "/plans/starter/prices/")["results"]] == ["FREE"]


def test_names_of_features_and_products_follow_the_file(pushed: Shop) -> None:
    file = edited(
        pushed,
        lambda text: text.replace("name: Suite", "name: Suites").replace("currency: EUR}", "currency: GBP}")
        .replace("name: Seats", "name: Chairs").replace("weight: 1.50", "weight: true"),
    )  # fmt: skip
    assert pushed.catalog("diff", file).stdout.splitlines() == [
        '~ product suite: name "Suite" -> "Suites"',
        '~ product books: currency "EUR" -> "GBP"',
        "~ feature sso: metadata weight 1.5 -> true",
        '~ feature seats: name "Seats" -> "Chairs"',
        '+ plan shelf: price GBP: priceType "PAID", chargeCatalogPrice [{"charges":[{"chargePeriod":"ONE_TIME",'
        '"priceData":{"amount":19.99}}]},{"feature":"calls","charges":[{"chargePeriod":"ONE_TIME",'
        '"priceData":{"amount":1},"advanced":{"min_quantity":1,"max_quantity":5}}]}]',
        "- plan shelf: price EUR",
    ]
    pushed.done("push", file, "--yes")
    assert pushed.done("diff", file) == "no difference\n"


def test_what_never_changes_stops_a_push_before_anything_is_written(pushed: Shop) -> None:
    file = edited(pushed, lambda text: text.replace("name: Pro\n", "name: P\n").replace("field: bytes", "field: size"))
    refused = pushed.catalog("push", file, "--yes")
    assert refused.returncode == 2
    assert '! feature events: meter aggregation field "bytes" -> "size"' in refused.stderr
    assert pushed.api("GET", "/plans/pro/")["name"] == "Pro"
    assert pushed.catalog("diff", file).returncode == 1


def test_what_only_the_server_has_is_named_and_left_alone(pushed: Shop) -> None:
    pushed.api("POST", "/features/", {"name": "Extra", "featureType": "BOOLEAN"})
    compared = pushed.catalog("diff", "catalog.yaml")
    assert (compared.returncode, compared.stdout) == (0, "no difference\n")
    assert compared.stderr == "note: feature extra is on the server only; it is left alone\n"


def test_archived_things_that_are_still_referred_to_are_pulled_along(pushed: Shop) -> None:
    for feature in pushed.api("GET", "/features/")["results"]:
        if feature["identifier"] in ("calls", "seats"):
            pushed.api("DELETE", f"/features/{feature['id']}/")
    pushed.api("DELETE", "/plans/starter/")
    pulled = pushed.catalog("pull", "again.yaml")
    assert (pulled.returncode, pulled.stdout) == (0, "again.yaml: 2 products, 4 features, 4 plans\n")
    assert pulled.stderr.count(" is archived, but") == 3
    assert pushed.done("diff", "again.yaml") == "no difference\n"
    assert pushed.done("push", "again.yaml") == "nothing to change\n"


def test_a_push_that_failed_half_way_goes_on_from_there(shop: Shop) -> None:
    wrong = EXAMPLE.replace("advanced: {minQuantity: 1,", "advanced: {minQuantity: 9,")
    stopped = shop.catalog("push", shop.write(wrong), "--yes", "--publish")
    assert stopped.returncode == 2
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("kelviq-server: stopped at + plan shelf: price EUR")
    assert "advanced.maxQuantity" in last
    assert "Ensure this value is not below minQuantity." in last
    assert "not done: + plan shelf: price EUR" in stopped.stderr
    assert "done: + plan pro: name" in stopped.stderr
    fixed = shop.write(EXAMPLE)
    assert [line.split(":")[0] for line in shop.catalog("diff", fixed).stdout.splitlines()] == [
        "+ plan shelf", "+ plan pro", "+ plan pro",
    ]  # fmt: skip
    shop.done("push", fixed, "--yes", "--publish")
    assert shop.done("diff", fixed) == "no difference\n"
    assert {plan["isLatest"] for plan in shop.api("GET", "/plans/")["results"]} == {True}


def test_publishing_that_is_refused_says_what_was_published(shop: Shop) -> None:
    unpriced = EXAMPLE.replace("prices: [{priceType: FREE}]", "prices: []")
    stopped = shop.catalog("push", shop.write(unpriced), "--yes", "--publish")
    assert stopped.returncode == 2
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("kelviq-server: stopped at publish plan starter: ")
    assert "has no price" in last
    assert stopped.stderr.count("not done: publish plan") == 4
    shop.done("push", shop.write(EXAMPLE), "--yes", "--publish")


def test_a_mistake_in_the_file_is_named_with_its_place(shop: Shop) -> None:
    file = shop.write(EXAMPLE.replace("hardLimit: true", "hardlimit: true").replace("product: books", "product: bokos"))
    refused = shop.catalog("push", file, "--yes")
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "kelviq-server: catalog.yaml: line 35: plans[0].entitlements[1].hardlimit: there is no such key; "
        "did you mean hardLimit?",
    ]
    misnamed = shop.catalog("diff", shop.write(EXAMPLE.replace("product: books", "product: bokos")))
    assert misnamed.returncode == 2
    assert "plans[3].product: bokos is not among the products; did you mean books?" in misnamed.stderr


def test_a_wrong_key_a_dead_server_and_a_missing_file_are_one_line(shop: Shop) -> None:
    file = shop.write(EXAMPLE)
    for done, said in (
        (shop.catalog("diff", file, key="sk_sandbox_wrong"), "refuses the key"),
        (shop.catalog("diff", file, url="http://127.0.0.1:9"), "http://127.0.0.1:9/api/v1/ does not answer"),
        (shop.catalog("diff", file, url="nowhere"), "nowhere is not an address"),
        (shop.catalog("diff", file, url=f"{shop.url}/docs"), "404"),
        (shop.catalog("diff", "missing.yaml"), "missing.yaml"),
        (shop.catalog("pull", file), "is there already; --force writes over it"),
        (shop.catalog("push", file), "say --yes"),
        (shop.catalog("push", file, "--yes", "--migrate-pricing"), "--publish"),
    ):
        assert done.returncode == 2
        [line] = [line for line in done.stderr.splitlines() if line.startswith("kelviq-server: ")]
        assert said in line
        assert "Traceback" not in done.stderr
    assert shop.api("GET", "/products/")["count"] == 0


def test_the_key_comes_from_a_variable_or_from_the_keys_file_of_a_server_on_this_machine(
    server: Server, shop: Shop
) -> None:
    def pull(*words: str, **variables: str) -> Done:
        command = _command("catalog", "pull", "--force", *words)
        environment = _environment() | variables
        return subprocess.run(command, cwd=shop.folder, env=environment, capture_output=True, text=True, timeout=60)

    assert pull("--url", shop.url, KELVIQ_SANDBOX_SERVER_API_KEY=shop.key).stdout.startswith("catalog.yaml: 0 products")
    assert pull("--url", shop.url, "--data-dir", str(server.data_dir)).returncode == 0
    assert pull("--url", shop.url, "--data-dir", str(server.data_dir), "--env", "production").returncode == 0
    assert "there is no key in" in pull("--url", shop.url).stderr
    elsewhere = pull("--url", "https://billing.example.com", "--data-dir", str(server.data_dir))
    assert "which key? Set KELVIQ_SANDBOX_SERVER_API_KEY" in elsewhere.stderr


def asked(shop: Shop, answers: str, *words: str) -> str:
    """Run a command at a terminal where somebody gives these answers, and return what it showed."""
    leader, follower = pty.openpty()
    command = _command("catalog", *words, "--url", shop.url, "--key", shop.key)
    os.write(leader, answers.encode())
    done = subprocess.run(
        command, cwd=shop.folder, env=_environment(), stdin=follower, capture_output=True, text=True, timeout=60
    )
    os.close(leader)
    os.close(follower)
    assert done.stderr.count("Traceback") == 0
    return done.stdout


def test_a_push_asks_before_it_writes_and_again_before_it_publishes(shop: Shop) -> None:
    file = shop.write(EXAMPLE)
    assert "Apply 17 changes? [y/N]" in asked(shop, "n\n", "push", file, "--publish")
    assert shop.api("GET", "/products/")["count"] == 0
    shown = asked(shop, "y\nn\n", "push", file, "--publish", "--migrate-pricing")
    assert "17 changes applied" in shown
    assert "Publish starter, usage, shelf, pro? Earlier buyers pay the new prices from their next period on." in shown
    assert {plan["isLatest"] for plan in shop.api("GET", "/plans/")["results"]} == {False}
    assert "4 plans published" in asked(shop, "y\n", "push", file, "--publish")
