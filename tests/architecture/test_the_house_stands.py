"""The project keeps the rules of the house, each told in the file that checks it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.rules_decisions import rules_that_wait
from tests.architecture.rules_documents import (
    decisions_not_written,
    errors_not_described,
    events_not_described,
    modules_not_described,
    settings_not_described,
)
from tests.architecture.rules_doors import past_the_doors
from tests.architecture.rules_imports import core_beyond_the_standard_library, upward
from tests.architecture.rules_migrations import migration_faults, migration_names
from tests.architecture.rules_money import floats
from tests.architecture.rules_names import (
    actions_by_another_name,
    nameless_files,
    other_names,
    packages_not_plain,
)
from tests.architecture.rules_sizes import long_files, long_functions
from tests.architecture.rules_sql import (
    sql_elsewhere,
    store_functions,
    transactions_by_hand,
    transactions_elsewhere,
)
from tests.architecture.rules_time import other_clocks, sql_clocks

ROOT = Path(__file__).parents[2]
Rule = Callable[[Path], list[str]]
RULES: list[Rule] = [
    upward,
    core_beyond_the_standard_library,
    past_the_doors,
    other_names,
    nameless_files,
    packages_not_plain,
    actions_by_another_name,
    sql_elsewhere,
    store_functions,
    transactions_elsewhere,
    transactions_by_hand,
    sql_clocks,
    other_clocks,
    rules_that_wait,
    floats,
    long_files,
    long_functions,
    events_not_described,
    errors_not_described,
    modules_not_described,
    settings_not_described,
    decisions_not_written,
    migration_names,
    migration_faults,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []
