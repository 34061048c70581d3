"""Pages of a list, as the contract cuts them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.operations import Call, Parameter

_POSITIVE = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)
LAST = "last"
# Of every list for which the contract says nothing else.
DEFAULT_SIZE, MAXIMUM_SIZE = 10, 100
# No list is longer; keeps absurd page numbers within what the database can count.
MAX_OFFSET = 2**53


class InvalidPage(Refusal):
    """Invalid page."""

    status = 404


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    # None: the last one, whatever its number.
    number: int | None
    size: int

    @property
    def offset(self) -> int | None:
        """Return how many entries come before it; None for the last page."""
        return None if self.number is None else min((self.number - 1) * self.size, MAX_OFFSET)

    def settle(self, count: int) -> int:
        """Return the page's number in a list of so many entries; raises InvalidPage past its end."""
        last = max(1, -(-count // self.size))
        if self.number is None:
            return last
        if self.number > last:
            raise InvalidPage
        return self.number


def read_page(query: Mapping[str, str], *, default_size: int = DEFAULT_SIZE, maximum_size: int = MAXIMUM_SIZE) -> Page:
    """Return the page that the query asks for. A size that makes no sense is the default; a page is refused."""
    number_text = query.get("page", "1").strip()
    if number_text == LAST:
        number = None
    elif _POSITIVE.fullmatch(number_text):
        number = int(number_text)
    else:
        raise InvalidPage
    return Page(number, read_size(query, default_size=default_size, maximum_size=maximum_size))


def read_size(query: Mapping[str, str], *, default_size: int, maximum_size: int) -> int:
    """Return how many entries the query asks for at a time; anything that makes no sense is the default."""
    text = query.get("page_size", "").strip()
    return min(int(text) if _POSITIVE.fullmatch(text) else default_size, maximum_size)


def links(call: Call[None], number: int, size: int, count: int) -> tuple[str | None, str | None]:
    """Return the absolute addresses of the next and the previous page, where there are such."""
    following = _link(call.request, call.base_url, number + 1) if number * size < count else None
    preceding = _link(call.request, call.base_url, number - 1) if number > 1 else None
    return following, preceding


def _link(request: Request, base_url: str, number: int) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return f"{base_url}{request.url.path}?{urlencode([*others, ('page', number)])}"


def page_parameters(default_size: int = DEFAULT_SIZE, maximum_size: int = MAXIMUM_SIZE) -> tuple[Parameter, Parameter]:
    """Return how the document shows the two parameters."""
    return (
        size_parameter(default_size, maximum_size),
        Parameter(
            "page",
            {"anyOf": [{"type": "integer", "minimum": 1}, {"const": LAST}], "default": 1},
            "The page number of results to return, or `last`.",
        ),
    )


def size_parameter(default_size: int, maximum_size: int) -> Parameter:
    """Return how the document shows the size alone."""
    return Parameter(
        "page_size",
        {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": default_size},
        f"Number of results to return per page. Defaults to {default_size}, maximum {maximum_size}; "
        "a larger number is capped, anything that is not a positive number is the default.",
    )
