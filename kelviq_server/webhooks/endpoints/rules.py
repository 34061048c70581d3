"""What an endpoint may be, and what its secret looks like."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.webhooks.endpoints.errors import EndpointDisabled, TooManyEndpoints
from kelviq_server.webhooks.endpoints.records import Endpoint, EndpointEdit

MAX_ENDPOINTS = 50
SHOWN_CHARACTERS = 12


def secret_of(random_text: str) -> str:
    """Return the secret that ends in this text."""
    return f"kq_whsec_{random_text}"


def refuse_one_more(count: int) -> None:
    """Raise TooManyEndpoints where there are so many already."""
    if count >= MAX_ENDPOINTS:
        raise TooManyEndpoints


def refuse_disabled(endpoint: Endpoint) -> None:
    """Raise EndpointDisabled for an endpoint that is told nothing."""
    if not endpoint.is_enabled:
        raise EndpointDisabled


def edit(endpoint: Endpoint, sent: Mapping[str, Any]) -> EndpointEdit | None:
    """Return the endpoint's values with what was sent, or None when everything is so already."""
    before = EndpointEdit(endpoint.url, endpoint.event_types, endpoint.description, endpoint.is_enabled)
    after = EndpointEdit(
        url=sent.get("url", before.url),
        event_types=sent.get("event_types", before.event_types),
        description=sent.get("description", before.description),
        is_enabled=sent.get("is_enabled", before.is_enabled),
    )
    return None if after == before else after
