"""Organizations and the instance."""

import asyncio

import pytest

from kelviq_server.platform.settings import WrongSetting
from kelviq_server.platform.vault import Vault
from kelviq_server.tenants.actions.check_secret import check_secret
from kelviq_server.tenants.actions.first_start import first_start
from kelviq_server.tenants.actions.found_organization import found_organization
from tests.conftest import SECRET
from tests.make import Made


async def test_organizations_founded_at_once_have_slugs_of_their_own(pool: None) -> None:
    made = await asyncio.gather(*(found_organization("Rush Hour") for _ in range(8)))
    slugs = {organization.slug for organization, _ in made}
    assert len(slugs) == 8


async def test_where_there_is_an_organization_a_start_is_not_the_first(made: Made) -> None:
    assert await first_start(lambda organization, keys: pytest.fail("keys were saved")) is None


async def test_another_instance_secret_stops_the_start(pool: None) -> None:
    await check_secret(Vault(SECRET))
    with pytest.raises(WrongSetting, match="KELVIQ_SECRET"):
        await check_secret(Vault("x" * 40))
