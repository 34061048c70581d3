"""What a search looks for and what it finds, the same for every list."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from kelviq_server.core.errors import Refusal

# Stands between the searched fields of one record, so that no term matches across two of them.
# Fields cannot hold it: control characters are refused on input.
FIELD_SEPARATOR = "\x1f"

# Longer than any name or e-mail address there is.
MAX_CHARACTERS = 300

_TERM = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[^\W_]+")
# No field holds these; a term that does must match nothing, and not reach across two fields.
_NOWHERE = str.maketrans({FIELD_SEPARATOR: "\x1e", "\x00": "\x1e"})


def fold(text: str) -> str:
    """Return the text with differences of case removed, as Unicode's full case folding defines."""
    return text.casefold()


def folded_fields(*fields: str | None) -> str:
    """Return the searched fields of one record as the single text that terms are looked up in."""
    return FIELD_SEPARATOR.join(fold(field) for field in fields if field)


class SearchTooLong(Refusal):
    """Ensure this field has no more than 300 characters."""

    field = "search"


def terms(search: str) -> list[str]:
    """Return the folded terms that must all be found: words, and quoted phrases taken whole.

    A quotation mark without its partner is an ordinary character. Raises SearchTooLong.
    """
    if len(search) > MAX_CHARACTERS:
        raise SearchTooLong
    found = [phrase if word == "" else word for phrase, word in _TERM.findall(search)]
    return list(dict.fromkeys(fold(term).translate(_NOWHERE) for term in found if term))


def common_trigrams(samples: Collection[str], share_percent: int = 10) -> frozenset[str]:
    """Return the three-letter sequences that stand in at least this share of the sample texts."""
    times = Counter(trigram for sample in samples for trigram in set(_trigrams(sample)))
    return frozenset(trigram for trigram, count in times.items() if count * 100 >= len(samples) * share_percent)


def narrowing_pattern(term: str, common: Collection[str]) -> str | None:
    """Return a LIKE pattern that matches every text containing the term, and few others, if there is one.

    It leaves out what nearly every text has, such as the domain of most e-mail addresses: a trigram
    index would have to walk a list of nearly all rows for each such trigram. What the pattern lets
    through must still be held against the term itself.
    """
    parts = [part for word in _WORD.findall(term) for part in _rare_parts(word, common)]
    return "%" + "%".join(parts) + "%" if parts else None


def _rare_parts(word: str, common: Collection[str]) -> Iterable[str]:
    """Yield the longest parts of the word in which no trigram is common, none reaching into the one before."""
    start: int | None = None
    taken = 0
    for place, trigram in enumerate([*_trigrams(word), None]):
        is_rare = trigram is not None and trigram not in common
        if is_rare and start is None:
            start = place
        elif not is_rare and start is not None:
            begin, end = max(start, taken), place + 2
            if end - begin >= 3:
                yield word[begin:end]
                taken = end
            start = None


def _trigrams(text: str) -> list[str]:
    return [text[place : place + 3] for place in range(len(text) - 2)]
