"""Pages, as the contract cuts them."""

import pytest

from kelviq_server.platform.paging import InvalidPage, Page, read_page


def page(**query: str) -> Page:
    return read_page(query, default_size=1000, maximum_size=10_000)


@pytest.mark.parametrize("size", ["0", "-3", "abc", "", "1.5", "1e3", "٣", "+5"])
def test_a_page_size_that_makes_no_sense_is_the_default(size: str) -> None:
    assert page(page_size=size).size == 1000


@pytest.mark.parametrize(("sent", "used"), [("1", 1), ("10000", 10_000), ("10001", 10_000), ("9" * 17, 10_000)])
def test_a_page_size_is_capped(sent: str, used: int) -> None:
    assert page(page_size=sent).size == used


@pytest.mark.parametrize("number", ["0", "-1", "abc", "", "1.0", "first", "9" * 30])
def test_a_page_that_makes_no_sense_is_refused(number: str) -> None:
    with pytest.raises(InvalidPage):
        page(page=number)


def test_the_first_page_of_nothing_is_there() -> None:
    assert page().settle(0) == page(page="last").settle(0) == 1


def test_the_last_page_holds_the_rest() -> None:
    assert page(page="last", page_size="10").settle(21) == 3
    assert page(page="last", page_size="10").settle(20) == 2


def test_a_page_past_the_end_is_refused() -> None:
    with pytest.raises(InvalidPage):
        page(page="3", page_size="10").settle(20)


def test_an_absurd_page_number_stays_within_what_a_database_counts() -> None:
    offset = page(page="9" * 18, page_size="10000").offset
    assert offset is not None
    assert offset < 2**63
