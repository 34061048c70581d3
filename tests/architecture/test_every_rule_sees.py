"""A rule that never fails proves nothing: each is broken once, in a copy, and must say so and no more."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import rules_decisions as decisions
from tests.architecture import rules_documents as documents
from tests.architecture import rules_doors as doors
from tests.architecture import rules_imports as imports
from tests.architecture import rules_migrations as migrations
from tests.architecture import rules_money as money
from tests.architecture import rules_names as names
from tests.architecture import rules_sizes as sizes
from tests.architecture import rules_sql as sql
from tests.architecture import rules_time as time
from tests.architecture.test_the_house_stands import ROOT, RULES, Rule

COPIED = ("kelviq_server", "migrations", "docs", "pyproject.toml", "README.md")
BULKY = shutil.ignore_patterns("__pycache__", "swagger*")


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule, what is written where against it, and what the rule must say."""

    rule: Rule
    # Under kelviq_server/ unless it begins with a slash: then under the root.
    file: str
    text: str
    # {file} stands for the file's path, {lines} for the number of its last line, {next} for that of the next migration,
    # {further} for the line on which a further section of docs/events.md would begin.
    said: str | list[str]


SQL_IN_LOWER_CASE = 'ask = "select id from plans where id = %s"\n'
WISH_MADE = '''
from dataclasses import dataclass
from kelviq_server.core.events import Event
@dataclass(frozen=True, slots=True)
class WishMade(Event):
    """Somebody wished."""
    type = "wish.made"
    @classmethod
    def example(cls): return cls()
    def data(self): return {}
'''
BREACHES = [
    Breach(
        imports.upward,
        "core/upward.py",
        "from kelviq_server.platform.ids import new_id\n",
        "kelviq_server.core.upward -> kelviq_server.platform.ids (l.1)",
    ),
    Breach(
        imports.upward,
        "tenants/steps_to_root.py",
        "import kelviq_server.worker\n",
        "kelviq_server.tenants.steps_to_root -> kelviq_server.worker (l.1)",
    ),
    Breach(imports.upward, "wishes/__init__.py", "", "kelviq_server.wishes"),
    Breach(
        imports.core_beyond_the_standard_library,
        "core/rates.py",
        "import decimal\nimport psycopg\nfrom kelviq_server.core.errors import Refusal\n",
        "{file}:2: core imports psycopg",
    ),
    Breach(
        doors.past_the_doors,
        "partner/jobs_besides.py",
        "from kelviq_server.tenants import steps, store\n",
        "{file}:1: kelviq_server.tenants.store is not a door",
    ),
    Breach(
        doors.past_the_doors,
        "partner/actions/borrow.py",
        "from ...tenants.actions.create_key import create_key\n",
        "{file}:1: kelviq_server.tenants.actions.create_key.create_key is not a door",
    ),
    Breach(
        doors.past_the_doors,
        "pages/portal.py",
        "import kelviq_server.tenants.actions.create_key\nimport kelviq_server.tenants.store\n",
        "{file}:2: kelviq_server.tenants.store is not a door",
    ),
    Breach(
        doors.past_the_doors,
        "doctor.py",
        "from kelviq_server.tenants.jobs import x\nfrom kelviq_server import tenants\n",
        "{file}:2: kelviq_server.tenants is not a door",
    ),
    Breach(names.other_names, "customers/queries.py", "", "{file}: not a name of the house"),
    Breach(names.other_names, "customers/emails/x.py", "", "kelviq_server/customers/emails: not a name of the house"),
    Breach(names.nameless_files, "platform/utils.py", "", "{file}: has not found its name"),
    Breach(names.nameless_files, "/tests/db/helpers.py", "", "{file}: has not found its name"),
    Breach(names.packages_not_plain, "billing/__init__.py", "from x import y\n", "{file}: holds something"),
    Breach(names.packages_not_plain, "receipts/steps.py", "", "kelviq_server/receipts/__init__.py: is missing"),
    Breach(
        names.actions_by_another_name,
        "customers/actions/merge_customers.py",
        "def _one(): ...\nasync def merge(): ...\n",
        "{file}: public functions are merge",
    ),
    Breach(
        names.actions_by_another_name,
        "customers/actions/split_customer.py",
        "def split_customer(): ...\ndef join_customer(): ...\n",
        "{file}: public functions are split_customer, join_customer",
    ),
    Breach(sql.sql_elsewhere, "customers/words.py", SQL_IN_LOWER_CASE, "{file}:1: SQL"),
    Breach(sql.sql_elsewhere, "orders.py", 'tail = f"{x} WHERE id = 1"\n', "{file}:1: SQL"),
    Breach(sql.sql_elsewhere, "billing/steps.py", "n = await tx.execute(ask)\n", "{file}:1: calls execute()"),
    Breach(sql.sql_elsewhere, "billing/steps.py", 'n = await tx.value("x" + y)\n', "{file}:1: calls value()"),
    Breach(
        sql.store_functions,
        "billing/store.py",
        "async def find_order(tx, id): ...\nasync def get_order(id, tx): ...\nasync def _fetch(): ...\n",
        "{file}:2: get_order does not take tx first",
    ),
    Breach(
        sql.store_functions,
        "billing/store.py",
        "async def fetch_order(tx, id): ...\n",
        "{file}:1: fetch_order does not begin with a verb of the store",
    ),
    *(
        Breach(
            sql.transactions_elsewhere,
            f"billing/{file}.py",
            "async def pay(tenant):\n    async with transaction(tenant) as tx: ...\n",
            "{file}:2: begins a transaction",
        )
        for file in ("store", "steps", "rules", "routes", "jobs")
    ),
    Breach(
        sql.transactions_elsewhere,
        "billing/steps.py",
        "begun = tx.connection.transaction()\n",
        "{file}:1: begins a transaction",
    ),
    Breach(
        sql.transactions_by_hand,
        "billing/store.py",
        'a = "BEGIN"\nb = "Begin anew"\n',
        "{file}:1: begins or ends a transaction in SQL",
    ),
    Breach(
        sql.transactions_by_hand,
        "platform/sessions.py",
        'a = "UPDATE t SET x = 1; COMMIT"\n',
        "{file}:1: begins or ends a transaction in SQL",
    ),
    Breach(
        time.sql_clocks,
        "billing/store.py",
        '"""Never now()."""\n# now()\na = "WHERE at < now()"\n',
        "{file}:3: SQL reads the clock: now()",
    ),
    Breach(
        time.sql_clocks,
        "platform/leases.py",
        'a = f"{x} < CURRENT_DATE"\n',
        "{file}:1: SQL reads the clock: CURRENT_DATE",
    ),
    Breach(
        time.other_clocks,
        "billing/steps.py",
        "from datetime import datetime\nx = datetime.now(UTC)\n",
        "{file}:2: reads the clock: datetime.now()",
    ),
    Breach(time.other_clocks, "core/moments.py", "from time import time\n", "{file}:1: imports time.time"),
    Breach(decisions.rules_that_wait, "billing/rules.py", "async def due(): ...\n", "{file}:1: a rule waits"),
    Breach(
        decisions.rules_that_wait,
        "billing/rules.py",
        "from kelviq_server.billing import records, store\n",
        "{file}:1: a rule imports kelviq_server.billing.store",
    ),
    Breach(money.floats, "core/coins.py", "def add(a: float) -> int: ...\n", "{file}:1: float"),
    Breach(money.floats, "billing/rules.py", "x = round(total_units)\n", "{file}:1: round"),
    Breach(money.floats, "billing/rules.py", "x = total_units * 1.19\n", "{file}:1: float 1.19"),
    Breach(sizes.long_files, "/bench/long.py", "x = 1\n" * 401, "{file}: 401 lines"),
    Breach(
        sizes.long_functions,
        "billing/rules.py",
        "def due():\n" + "    x = 1\n" * 60,
        "{file}:1: due has 61 lines",
    ),
    Breach(
        documents.events_not_described,
        "media/events.py",
        WISH_MADE,
        'docs/events.md:{further}: nothing stands where the code says "## `wish.made`"; run make events',
    ),
    Breach(
        documents.events_not_described,
        "partner/events.py",
        "class WishMade(OrganizationProvisioned): ...\n",
        "docs/events.md: ValueError: organization.provisioned is the type of"
        " kelviq_server.partner.events.OrganizationProvisioned and of kelviq_server.partner.events.WishMade",
    ),
    Breach(
        documents.events_not_described,
        "partner/events.py",
        "class WishMade(Event):\n    example = data = print\n",
        "docs/events.md: AttributeError: type object 'WishMade' has no attribute 'type'",
    ),
    Breach(
        documents.events_not_described,
        "/docs/events.md",
        "\n## `wish.forgotten`\n",
        '{file}:{lines}: "## `wish.forgotten`" stands where the code says nothing; run make events',
    ),
    Breach(
        documents.errors_not_described,
        "wishes/errors.py",
        'class WishUnknown(NotFound):\n    """No such wish.\n\n    Really."""\n',
        "docs/errors.md: no row 404 | WishUnknown | No such wish. | wishes/errors.py",
    ),
    Breach(
        documents.errors_not_described,
        "/docs/errors.md",
        "\n| 402 | `WishUnpaid` | Pay first. | `wishes/errors.py` |\n",
        "docs/errors.md: nothing is so: 402 | WishUnpaid | Pay first. | wishes/errors.py",
    ),
    Breach(
        documents.modules_not_described,
        "wishes/__init__.py",
        "",
        "kelviq_server/wishes/README.md: is missing",
    ),
    Breach(
        documents.modules_not_described,
        "core/README.md",
        "word\n" * 60 + "## How to\n",
        [
            "{file}: {lines} lines",
            "{file}: sections are Owns, Does not own, Words, Times, Life, How to",
        ],
    ),
    Breach(
        documents.settings_not_described,
        "platform/settings.py",
        "\n\nclass Settings:\n    wish_limit: int\n",
        "README.md: KELVIQ_WISH_LIMIT is missing",
    ),
    Breach(
        documents.decisions_not_written,
        "/migrations/9000_wishes.sql",
        "-- docs/adr/0001 has the reason,\n-- or docs/adr/9999-wishes.md.\n",
        "{file}:2: there is no docs/adr/9999",
    ),
    Breach(
        documents.decisions_not_written,
        "platform/wishes.py",
        "# docs/adr/9998\n",
        "{file}:1: there is no docs/adr/9998",
    ),
    Breach(migrations.migration_names, "/migrations/9000_wishes.sql", "", "{file}: {next} comes next"),
    Breach(
        migrations.migration_names,
        "/migrations/9000-Wishes.sql",
        "",
        "{file}: not a name like 0001_words.sql",
    ),
    Breach(
        migrations.migration_faults,
        "/migrations/9000_wishes.sql",
        "-- now() would DROP it\nALTER TABLE t\n  ALTER at SET DEFAULT now();\n",
        "{file}:3: reads the clock: now()",
    ),
    Breach(
        migrations.migration_faults,
        "/migrations/9000_wishes.sql",
        "/* two\nlines */ drop table t;\n",
        "{file}:2: drops something: drop",
    ),
    Breach(
        migrations.migration_faults,
        "/migrations/9000_wishes.sql",
        "COMMIT;\n",
        "{file}:1: ends its transaction: COMMIT;",
    ),
]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rules read, as it is now."""
    folder = tmp_path_factory.mktemp("origin")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=BULKY)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@cache
def said_before(rule: Rule, origin: Path) -> list[str]:
    """Return what stands in the project already; that is told by the other test."""
    return rule(origin)


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.rule.__name__}-{breach.file}")
def test_the_rule_reports_the_breach_and_nothing_else(breach: Breach, origin: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(origin, copy)
    next_migration = len(list((copy / "migrations").iterdir())) + 1
    file = breach.file[1:] if breach.file.startswith("/") else f"kelviq_server/{breach.file}"
    path = copy / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as written:
        written.write(breach.text)
    lines = len(path.read_text().splitlines())
    further = len((origin / "docs/events.md").read_text().splitlines()) + 2
    expected = [breach.said] if isinstance(breach.said, str) else breach.said
    before = said_before(breach.rule, origin)
    assert [said for said in breach.rule(copy) if said not in before] == [
        line.format(file=file, lines=lines, next=f"{next_migration:04}", further=further) for line in expected
    ]


def test_every_rule_is_broken_once() -> None:
    assert {breach.rule for breach in BREACHES} == set(RULES)
