"""What visitors of a country get, and what keeps them from it: pure."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from kelviq_server.promotions.by_country.records import (
    Code,
    Flags,
    Found,
    IncomeGroup,
    NewPromotion,
    Promotion,
    Resolved,
    Security,
)
from kelviq_server.visitors.records import Network, Visitor


def _countries(codes: str) -> frozenset[str]:
    return frozenset(codes.split())


# The World Bank's country classification of July 2025, by gross national income per head; countries alone that have an
# ISO 3166-1 code. Ethiopia and Venezuela, which it leaves open for now, are where they were before.
INCOME_GROUPS: Final[Mapping[IncomeGroup, frozenset[str]]] = {
    IncomeGroup.LOW_INCOME: _countries("AF BF BI CD CF ER ET GM GW KP LR MG ML MW MZ NE RW SD SL SO SS SY TD TG UG YE"),
    IncomeGroup.LOWER_MIDDLE_INCOME: _countries(
        "AO BD BJ BO BT CG CI CM DJ EG FM GH GN HN HT IN JO KE KG KH KI KM LA LB LK LS MA MM MR NA NG NI NP PG PH PK PS"
        " SB SN ST SZ TJ TL TN TZ UZ VN VU ZM ZW"
    ),
    IncomeGroup.UPPER_MIDDLE_INCOME: _countries(
        "AL AM AR AZ BA BR BW BY BZ CN CO CU CV DM DO DZ EC FJ GA GD GE GQ GT ID IQ IR JM KZ LC LY MD ME MH MK MN MU MV"
        " MX MY PE PY RS SR SV TH TM TO TR TV UA VC VE WS ZA"
    ),
    IncomeGroup.HIGH_INCOME: _countries(
        "AD AE AG AT AU AW BB BE BG BH BM BN BS CA CH CL CR CW CY CZ DE DK EE ES FI FO FR GB GI GL GR GU GY HK"
        " HR HU IE IL IM IS IT JP KN KR KW KY LI LT LU LV MC MF MO MP MT NC NL NO NR NZ OM PA PF PL PR PT PW QA"
        " RO RU SA SC SE SG SI SK SM SX TC TT TW US UY VG VI"
    ),
}


def percentages(promotion: NewPromotion) -> dict[str, Decimal]:
    """Return how much visitors of each country get off, of those where it is anything: a country's own comes first."""
    found = {country: rate for group, rate in promotion.groups.items() for country in INCOME_GROUPS[group]}
    found |= promotion.countries
    return {country: rate for country, rate in found.items() if rate}


def edit(promotion: Promotion, sent: Mapping[str, Any]) -> Promotion | None:
    """Return a promotion with what was sent, or None when everything is so already; parts of parts stay."""
    values = dict(sent)
    for name in ("banner", "security"):
        if name in values:
            values[name] = replace(getattr(promotion, name), **values[name])
    after = replace(promotion, **values)
    return None if after == promotion else after


def resolved(found: Found, visitor: Visitor) -> Resolved:
    """Return what a visitor gets, and what was noticed of them."""
    flags = flags_of(found, visitor)
    blocked = is_blocked(found.promotion.security, flags) or not found.promotion.is_enabled
    code = None if blocked else found.code
    return Resolved(visitor.country, code, found.promotion.banner, flags)


def flags_of(found: Found, visitor: Visitor) -> Flags:
    """Return what was noticed of a visitor; a machine in a data centre passes on for others, as a proxy does."""
    networks = set(found.networks)
    return Flags(
        vpn=Network.VPN in networks,
        tor=Network.TOR in networks,
        proxy=bool(networks & {Network.PROXY, Network.DATA_CENTRE}),
        relay=Network.RELAY in networks,
        crawler=visitor.is_crawler,
    )


def is_blocked(security: Security, flags: Flags) -> bool:
    """Say whether anything that was noticed keeps a visitor from the discount."""
    return any(getattr(security, name) and getattr(flags, name) for name in ("vpn", "tor", "proxy", "relay", "crawler"))


def changed_codes(codes: list[Code], rates: Mapping[str, Decimal]) -> tuple[list[Code], dict[str, Decimal]]:
    """Return the codes that are no longer given, and for which countries new ones are made.

    Another percentage is another code: whoever bought with the old one keeps what they bought with.
    """
    current = {code.country: code for code in codes}
    gone = [code for code in codes if rates.get(code.country) != code.percentage]
    new = {
        country: rate
        for country, rate in rates.items()
        if country not in current or current[country].percentage != rate
    }
    return gone, new
