"""Readable identifiers made from names."""

import re
import unicodedata
from collections.abc import Collection

MAX_LENGTH = 60
# What the API takes for one.
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")


def slug_of(name: str, fallback: str) -> str:
    """Return the name in lower-case ASCII words joined by hyphens; the fallback where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_LENGTH].strip("-") or fallback


def free_slug(slug: str, taken: Collection[str]) -> str:
    """Return the slug, or its first free variant: slug-2, slug-3 and so on."""
    number = 1
    candidate = slug
    while candidate in taken:
        number += 1
        candidate = f"{slug}-{number}"
    return candidate
