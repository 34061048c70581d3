"""What the settings of fees may be, and what is made of them."""

from decimal import Decimal
from pathlib import Path

import pytest

from kelviq_server.platform.settings import WrongSetting, load_settings
from kelviq_server.worker import fee_terms


@pytest.fixture(autouse=True)
def _nothing_else_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_fees_are_reckoned_in_minor_units_of_their_currency() -> None:
    terms = fee_terms(
        load_settings(fee_fixed=Decimal("0.40"), fee_threshold=Decimal(5000), fee_base_percent=Decimal("2.9"))
    )
    assert (terms.fixed_units, terms.threshold_units, terms.base_percent_above) == (40, 500_000, Decimal("2.9"))
    assert fee_terms(load_settings(fee_fixed=Decimal(40), fee_currency="JPY")).fixed_units == 40
    assert fee_terms(load_settings()).fixed_units == 0


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("fee_currency", "ABC", "it must be an ISO 4217 code"),
        ("fee_country", "ZZ", "it must be an ISO 3166-1 code"),
        ("fee_fixed", Decimal("0.405"), "fee_fixed has more decimals than USD"),
        ("fee_base_percent", Decimal(101), "less than or equal to 100"),
    ],
)
def test_a_wrong_fee_is_told_in_one_line(setting: str, value: object, reason: str) -> None:
    with pytest.raises(WrongSetting, match=reason):
        load_settings(**{setting: value})
