"""What upper modules hand down to be verified with the books."""

from collections.abc import Sequence
from typing import LiteralString

from kelviq_server.billing.verification.store import QUESTIONS
from kelviq_server.usage.verification.steps import QUESTIONS as OF_USAGE

_more: Sequence[LiteralString] = ()


def use_more_questions(questions: Sequence[LiteralString]) -> None:
    """Ask these, too, from now on: each selects what, id, expected and found, by the tenant's id."""
    global _more
    _more = questions


def all_questions() -> Sequence[LiteralString]:
    """Return everything that is asked."""
    return [*QUESTIONS, *OF_USAGE, *_more]
