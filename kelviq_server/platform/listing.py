"""Pages of lists, counted as they are read or by a count that is kept; customers have their own (docs/adr/0004)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, LiteralString, TypeVar

from pydantic import Field
from starlette.responses import Response

from kelviq_server.core.search import MAX_CHARACTERS
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Call, Parameter
from kelviq_server.platform.paging import Page, links
from kelviq_server.platform.wire import Answer

T = TypeVar("T")
# Of every list of the catalog, by default and at the most.
PAGE_SIZE = 100
# What every term of a search must be found in. An empty search finds everything.
FOUND: LiteralString = "NOT EXISTS (SELECT FROM unnest(%(terms)s::text[]) AS term WHERE strpos(folded, term) = 0)"
# The same for a long list: a trigram index narrows it, where the terms have anything rare (`narrowest_pattern`), if the
# statement is planned for its values.
NARROWED: LiteralString = "(%(narrowing)s::text IS NULL OR folded LIKE %(narrowing)s) AND " + FOUND
# The rows of a page of a long list. As an array, since a plan that is made once for all values thinks of `chosen` as a
# tenth of the list, and may read all of that.
CHOSEN: LiteralString = "id = ANY(ARRAY(SELECT id FROM chosen))"
# Of lists that may be asked for a range of days.
DATES = (
    Parameter("start_date", {"type": "string", "format": "date"}, "Only those of this day in UTC and later."),
    Parameter("end_date", {"type": "string", "format": "date"}, "Only those of this day in UTC and earlier."),
)


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page of a list, and how many entries the whole list has."""

    count: int
    results: list[T]


class ListAnswer(Answer):
    """One page of a list."""

    count: int = Field(description="How many there are in all.")
    next: str | None = Field(description="Address of the next page.", json_schema_extra={"format": "uri"})
    previous: str | None = Field(description="Address of the previous page.", json_schema_extra={"format": "uri"})


def listing(matching: LiteralString, rows: LiteralString, columns: LiteralString) -> LiteralString:
    """Return the statement that makes a page, newest first.

    `matching` selects the `id` and `seq` of all entries, `rows` those whose id is among `chosen`, with their `seq`,
    and `columns` what an entry consists of, read from `page`: only what is shown is put together.
    Parameters: `offset` (null: the last page) and `limit`, besides those of the texts.
    """
    return (
        "WITH matching AS MATERIALIZED ("
        + matching
        + "), "
        + _page("SELECT count(*) AS count FROM matching", "matching", rows, columns)
    )


def counted_listing(
    count: LiteralString, matching: LiteralString, rows: LiteralString, columns: LiteralString
) -> LiteralString:
    """Return the statement that makes a page of a long list, whose `count` is kept elsewhere.

    The other texts are those of `listing`. There must be an index on what `matching` is ordered by: of the entries
    before the page only that is read.
    """
    return "WITH " + _page(count, "(" + matching + ") AS matching", rows, columns)


def _page(count: LiteralString, matching: LiteralString, rows: LiteralString, columns: LiteralString) -> LiteralString:
    return (
        "total AS MATERIALIZED (" + count + "),"
        " chosen AS MATERIALIZED (SELECT id FROM " + matching + " ORDER BY seq DESC OFFSET (SELECT"
        "   coalesce(%(offset)s::bigint, greatest(count - 1, 0) / %(limit)s::bigint * %(limit)s::bigint) FROM total)"
        "   LIMIT %(limit)s::bigint),"
        " page AS MATERIALIZED (" + rows + ")"
        " SELECT json_build_object('count', (SELECT count FROM total), 'results',"
        "   (SELECT coalesce(json_agg(entry), '[]') FROM (SELECT "
        + columns
        + " FROM page ORDER BY seq DESC) AS entry))"
    )


def listed_of(entries: Sequence[T], page: Page) -> Listed[T]:
    """Return a page of entries that are all at hand, in their order."""
    last = max(len(entries) - 1, 0) // page.size * page.size
    start = last if page.offset is None else page.offset
    return Listed(len(entries), list(entries[start : start + page.size]))


def search_parameter(*fields: str) -> Parameter:
    """Return how the document shows the search of a list."""
    shown = ", ".join(f"`{field}`" for field in fields)
    return Parameter(
        "search",
        {"type": "string", "maxLength": MAX_CHARACTERS},
        f"Free-text search across {shown}: every word, or phrase in quotation marks, must occur in one of them, "
        "upper or lower case.",
    )


def page_parameters_of(page: Page) -> dict[str, Any]:
    """Return the parameters of a listing that choose the page."""
    return {"offset": page.offset, "limit": page.size}


def list_answer(call: Call[None], page: Page, listed: Listed[T], results: list[dict[str, Any]]) -> Response:
    """Return a page as the contract shapes it; raises InvalidPage past the end."""
    following, preceding = links(call, page.settle(listed.count), page.size, listed.count)
    return json_answer({"count": listed.count, "next": following, "previous": preceding, "results": results})
