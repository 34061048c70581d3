"""What a search looks for and what it finds, the same for every list."""

import re

# Stands between the searched fields of one record, so that no term matches across two of them.
# Fields cannot hold it: control characters are refused on input.
FIELD_SEPARATOR = "\x1f"

_TERM = re.compile(r'"([^"]*)"|(\S+)')
_SPECIAL = re.compile(r"([\\%_])")
# No field holds these; a term that does must match nothing, and not reach across two fields.
_NOWHERE = str.maketrans({FIELD_SEPARATOR: "\x1e", "\x00": "\x1e"})


def fold(text: str) -> str:
    """Return the text with differences of case removed, as Unicode's full case folding defines."""
    return text.casefold()


def folded_fields(*fields: str | None) -> str:
    """Return the searched fields of one record as the single text that terms are looked up in."""
    return FIELD_SEPARATOR.join(fold(field) for field in fields if field)


def terms(search: str) -> list[str]:
    """Return the folded terms that must all be found: words, and quoted phrases taken whole.

    A quotation mark without its partner is an ordinary character.
    """
    found = [phrase if word == "" else word for phrase, word in _TERM.findall(search)]
    return list(dict.fromkeys(fold(term).translate(_NOWHERE) for term in found if term))


def pattern(term: str) -> str:
    """Return the LIKE pattern that matches texts containing the term, character for character."""
    return "%" + _SPECIAL.sub(r"\\\1", term) + "%"
