"""What a plan grants, by itself and from the plan it is based on."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.entitlement import Entitlement, effective, own_of

SSO, CALLS, SEATS = uuid4(), uuid4(), uuid4()
STARTER = [Entitlement(SSO, 0), Entitlement(CALLS, 1000)]


def terms(entitlements: list[Entitlement[int]]) -> dict[UUID, tuple[int, bool, bool]]:
    return {e.feature_id: (e.details, e.is_inherited, e.is_value_overridden) for e in entitlements}


def test_a_child_has_what_its_base_has_and_its_own_terms_hold_over_those() -> None:
    pro = effective([Entitlement(CALLS, 100_000), Entitlement(SEATS, 5)], STARTER)
    assert terms(pro) == {
        SSO: (0, True, False),
        CALLS: (100_000, True, True),
        SEATS: (5, False, False),
    }
    assert [e.feature_id for e in pro] == [SSO, CALLS, SEATS]


def test_a_grandchild_inherits_what_its_base_overrode() -> None:
    pro = effective([Entitlement(CALLS, 100_000)], STARTER)
    enterprise = effective([Entitlement(SSO, 1)], pro)
    assert terms(enterprise) == {SSO: (1, True, True), CALLS: (100_000, True, False)}


def test_without_a_base_all_is_its_own() -> None:
    assert terms(effective(effective([], STARTER), [])) == {SSO: (0, False, False), CALLS: (1000, False, False)}


features = st.sampled_from([uuid4() for _ in range(6)])
plans = st.lists(st.builds(Entitlement, features, st.integers()), unique_by=lambda e: e.feature_id)


@given(plans, plans)
def test_what_is_its_own_says_all_that_the_base_does_not(
    own: list[Entitlement[int]], base: list[Entitlement[int]]
) -> None:
    granted = effective(own, base)
    assert sorted(own_of(granted), key=str) == sorted(own, key=str)
    assert effective(own_of(granted), base) == granted
    assert {e.feature_id for e in granted} == {e.feature_id for e in (*own, *base)}
    assert len({e.feature_id for e in granted}) == len(granted)
