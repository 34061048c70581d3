"""What a search looks for, and that narrowing never loses a match."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from kelviq_server.core.search import common_trigrams, fold, folded_fields, narrowing_pattern, terms


def test_a_search_is_split_on_white_space_and_folded() -> None:
    assert terms("  Ada\tLOVELACE ada ") == ["ada", "lovelace"]


def test_a_quoted_phrase_is_one_term() -> None:
    assert terms('"Ada Lovelace" king') == ["ada lovelace", "king"]


def test_a_lone_quotation_mark_is_an_ordinary_character() -> None:
    assert terms('5" disk') == ['5"', "disk"]


def test_an_empty_search_is_no_search() -> None:
    assert terms("") == terms("  \n ") == terms('""') == []


def test_no_term_reaches_across_two_fields() -> None:
    assert terms('"a\x1fb"')[0] not in folded_fields("a", "b")


def test_case_is_folded_as_unicode_has_it() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("ΟΔΟΣ") == fold("οδος")


def matches(pattern: str, text: str) -> bool:
    """Say whether LIKE would match, with its three special characters."""
    expression = ""
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            expression += re.escape(next(characters))
        else:
            expression += {"%": ".*", "_": "."}.get(character, re.escape(character))
    return re.fullmatch(expression, text, re.DOTALL) is not None


@given(st.text(), st.text(min_size=1), st.text(), st.sets(st.text(min_size=3, max_size=3)))
@example("100", "%_\\", "x", set())
@example("", "cus_000512345", "", {"cus", "000"})
@example("Tom ", "newcomer", "", {"com"})
@example("", "abcdefgh", "", {"cde"})
def test_the_narrowing_pattern_matches_every_text_that_has_the_term(
    before: str, term: str, after: str, common: set[str]
) -> None:
    pattern = narrowing_pattern(term, common)
    assert pattern is None or matches(pattern, before + term + after)


@given(st.text("abcd", min_size=3, max_size=12), st.data())
def test_no_match_is_lost_whichever_trigrams_of_the_term_are_common(term: str, data: st.DataObject) -> None:
    own = [term[place : place + 3] for place in range(len(term) - 2)]
    common = data.draw(st.sets(st.sampled_from(own)))
    pattern = narrowing_pattern(term, common)
    assert pattern is None or matches(pattern, term)


def test_without_common_trigrams_the_pattern_is_the_term_by_its_words() -> None:
    assert narrowing_pattern("ada.lovelace", ()) == "%ada%lovelace%"
    assert narrowing_pattern("abc%_\\", ()) == "%abc%"


def test_what_nearly_all_texts_have_is_left_out() -> None:
    samples = [f"cus_{number:09d}\x1fu{number}@example.com" for number in range(0, 1_000_000, 1000)]
    common = common_trigrams(samples)
    assert {"exa", "cus", "000"} <= common
    assert narrowing_pattern("u512345@example.com", common) == "%u512345%"


def test_a_term_of_common_trigrams_alone_narrows_nothing() -> None:
    assert narrowing_pattern("example", {"exa", "xam", "amp", "mpl", "ple"}) is None


def test_a_term_without_three_letters_in_a_row_narrows_nothing() -> None:
    assert narrowing_pattern("ab", ()) is narrowing_pattern("50%_\\", ()) is narrowing_pattern("a.b-c", ()) is None
