"""The base of every refusal: a fact that stops a request."""

from typing import ClassVar


class Refusal(Exception):
    """Something is so, and the request cannot be carried out.

    A subclass states the fact as its docstring, which is what the caller reads;
    how it is wrapped in a body is the renderer's affair.
    """

    status: ClassVar[int] = 400
    # The field at fault, as the wire spells it; none means the whole request.
    field: ClassVar[str | None] = None
    # Whether the same request would be answered alike later: only then is the answer kept under an idempotency key.
    is_final: ClassVar[bool] = True
    # Under which key its text stands, where no field is at fault; a route may know better.
    key: str = "detail"
    # Seconds after which trying again makes sense.
    retry_after_seconds: int | None = None

    @property
    def text(self) -> str:
        """Return the sentence for the caller; what the constructor was given, else the docstring."""
        if self.args:
            return str(self.args[0])
        return (type(self).__doc__ or "").strip().split("\n")[0]


class NotFound(Refusal):
    """Not found."""

    status = 404
