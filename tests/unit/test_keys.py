"""Keys: what they look like, and that their text never shows by accident."""

import re

from kelviq_server.tenants.records import EnvironmentName, KeyKind
from kelviq_server.tenants.steps import key_hash, new_key, new_organization_keys


def test_a_key_says_what_it_is_for_and_has_forty_random_characters() -> None:
    keys = new_organization_keys()
    for key, prefix in (
        (keys.sandbox.server, "sk_sandbox_"),
        (keys.sandbox.client, "ck_sandbox_"),
        (keys.production.server, "sk_live_"),
        (keys.production.client, "ck_live_"),
    ):
        assert re.fullmatch(prefix + "[A-Za-z0-9]{40}", key.plain)


def test_no_two_keys_are_alike() -> None:
    made = {new_key(KeyKind.SERVER, EnvironmentName.SANDBOX).plain for _ in range(100)}
    assert len(made) == len({key_hash(plain) for plain in made}) == 100


def test_a_key_does_not_show_itself_when_printed() -> None:
    key = new_key(KeyKind.SERVER, EnvironmentName.PRODUCTION)
    assert key.plain not in repr(key)
    assert key.plain not in repr(new_organization_keys())
