"""docs/events.md as the code makes it: `make events` writes it."""

from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from pkgutil import walk_packages

import msgspec

import kelviq_server
from kelviq_server.core.events import Event, event_types
from kelviq_server.platform.json_body import dump

PAGE = Path(__file__).parents[2] / "docs/events.md"
INTRODUCTION = """\
# Events

What the server announces, in the past tense. An event is written to the outbox in the transaction that made it so, and
told after the commit: as webhooks, to the merchant's endpoints and in the log, and to handlers in the server, one table
in `kelviq_server/worker.py`. At least once, so whoever hears of it has to be safe to hear it twice. This page
is made from the `events.py` files by `make events`: change those instead.

Every event is wrapped alike, and sent so, word for word; the sections below show its `data`.

```json
{
  "id": "019726d5-9d20-7c4e-b0d7-3f1f5a4f2f11",
  "type": "customer.created",
  "created_at": "2025-06-04T06:03:30.195790Z",
  "data": {}
}
```

`id` names the event for ever, and is the header `webhook-id`: an event that comes twice bears it twice. `created_at` is
the instant of the transaction, by the tenant's clock. Keys are snake_case, other than in answers of the API; what the
merchant named (`metadata`) stays as it was sent, and numbers keep all their digits. Instants inside `data` are UTC, to
the second. `organization` is the organization's UUID.
"""


def page() -> str:
    """Return the whole text of docs/events.md."""
    kinds = every_event()
    return "\n".join([INTRODUCTION, *(section(kinds[type]) for type in sorted(kinds))])


def every_event() -> dict[str, type[Event]]:
    """Return every event of the product by type, from whichever module."""
    for found in walk_packages(kelviq_server.__path__, "kelviq_server."):
        if found.name.endswith(".events"):
            import_module(found.name)
    return event_types()


def section(kind: type[Event]) -> str:
    """Return what the page says of one event: its class, its docstring and its example."""
    module = kind.__module__.removeprefix("kelviq_server.").removesuffix(".events")
    data = msgspec.json.format(dump(kind.example().data()), indent=2)
    return (
        f"## `{kind.type}`\n\n`{kind.__name__}`, of {module}.\n\n{cleandoc(kind.__doc__ or '')}\n\n"
        f"```json\n{data}\n```\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
