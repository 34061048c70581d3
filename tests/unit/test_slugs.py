"""Readable identifiers."""

from kelviq_server.core.slugs import free_slug, slug_of


def test_a_slug_is_lower_case_words_joined_by_hyphens() -> None:
    assert slug_of("  Acme & Söhne GmbH!", "x") == "acme-sohne-gmbh"


def test_a_name_without_latin_letters_takes_the_fallback() -> None:
    assert slug_of("株式会社", "organization") == "organization"


def test_a_long_name_is_cut_without_a_hyphen_at_the_end() -> None:
    assert slug_of("a" * 59 + " bcd", "x") == "a" * 59


def test_a_taken_slug_gets_the_first_free_number() -> None:
    assert free_slug("acme", {"acme", "acme-2", "acme-4"}) == "acme-3"
    assert free_slug("acme", set()) == "acme"
