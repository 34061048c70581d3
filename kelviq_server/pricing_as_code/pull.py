"""Read the catalog of a server, by published operations alone, so that any Kelviq API will do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from kelviq_server.pricing_as_code.catalog_file import in_order, mistake_text, path_text
from kelviq_server.pricing_as_code.errors import CatalogFault
from kelviq_server.pricing_as_code.records import (
    ANSWER,
    Catalog,
    CatalogFeature,
    CatalogPlan,
    CatalogProduct,
    Part,
)
from kelviq_server.pricing_as_code.server import Server

P = TypeVar("P", bound=Part)
PRODUCTS, FEATURES, PLANS = "/catalog/products/", "/catalog/features/", "/catalog/plans/"
_MARKS = {"isInherited", "isValueOverridden"}


@dataclass(frozen=True, slots=True)
class Found:
    """The catalog of a server, oldest first, and what a push has to know besides."""

    products: dict[str, CatalogProduct] = field(default_factory=dict[str, CatalogProduct])
    features: dict[str, CatalogFeature] = field(default_factory=dict[str, CatalogFeature])
    plans: dict[str, CatalogPlan] = field(default_factory=dict[str, CatalogPlan])
    # What the server calls them, by their identifiers.
    product_ids: dict[str, str] = field(default_factory=dict[str, str])
    feature_ids: dict[str, str] = field(default_factory=dict[str, str])
    # Identifiers of the plans whose newest version is for sale.
    published: set[str] = field(default_factory=set[str])
    # What a file cannot say.
    warnings: list[str] = field(default_factory=list[str])

    def catalog(self) -> Catalog:
        """Return the catalog as it is written: of a plan that has none, neither entitlements nor prices."""
        plans = [
            plan.model_copy(update={"entitlements": plan.entitlements or None, "prices": plan.prices or None})
            for plan in in_order(list(self.plans.values()))
        ]
        return Catalog(
            products=tuple(self.products.values()), features=tuple(self.features.values()), plans=tuple(plans)
        )


async def pull_catalog(server: Server) -> Found:
    """Return what the server sells: everything listed, and what that refers to although it is archived.

    Raises CatalogFault.
    """
    return await _Pull(server).found()


class _Pull:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._found = Found()
        # Identifiers, by what the server calls them.
        self._products: dict[str, str] = {}
        self._features: dict[str, str] = {}

    async def found(self) -> Found:
        products = [entry async for entry in self._server.listed(PRODUCTS)]
        features = [entry async for entry in self._server.listed(FEATURES)]
        plans = [entry async for entry in self._server.listed(PLANS, include="prices,entitlements")]
        for entry in reversed(products):
            await self._take_product(entry)
        for entry in reversed(features):
            self._take_feature(entry)
        for entry in reversed(plans):
            await self._take_plan(entry)
        await self._take_archived_bases()
        return self._found

    async def _take_product(self, entry: Mapping[str, Any]) -> None:
        id = str(entry.get("id"))
        settings = await self._server.get(f"{PRODUCTS}{id}/settings/")
        product = _record(CatalogProduct, {**entry, "currency": settings.get("currency")}, "product")
        self._found.products[product.identifier] = product
        self._found.product_ids[product.identifier] = id
        self._products[id] = product.identifier
        self._warn(f"product {product.identifier}", entry, ("images", "files"))

    def _take_feature(self, entry: Mapping[str, Any]) -> None:
        id = str(entry.get("id"))
        feature = _record(CatalogFeature, {**entry, "type": entry.get("featureType")}, "feature")
        self._found.features[feature.identifier] = feature
        self._found.feature_ids[feature.identifier] = id
        self._features[id] = feature.identifier
        if entry.get("isArchived"):
            self._found.warnings.append(f"feature {feature.identifier} is archived, but plans still have it")

    async def _take_plan(self, entry: Mapping[str, Any]) -> None:
        identifier = str(entry.get("identifier"))
        own = f"{PLANS}{identifier}/"
        granted = entry.get("planEntitlements")
        if granted is None:
            granted = [each async for each in self._server.listed(own + "features/")]
        prices = entry.get("prices")
        if prices is None:
            prices = [each async for each in self._server.listed(own + "prices/")]
        product = str(entry.get("product"))
        if product not in self._products:
            await self._take_product(await self._server.get(f"{PRODUCTS}{product}/"))
        record = {
            **entry,
            "product": self._products[product],
            "entitlements": [await self._entitlement(each) for each in granted if _is_own(each)],
            "prices": [await self._price(each) for each in prices],
        }
        plan = _record(CatalogPlan, record, "plan")
        self._found.plans[plan.identifier] = plan
        if entry.get("isLatest"):
            self._found.published.add(plan.identifier)
        self._warn(f"plan {plan.identifier}", entry, ("files", "countries"))

    async def _take_archived_bases(self) -> None:
        plans = self._found.plans
        while missing := {plan.base_plan for plan in plans.values() if plan.base_plan} - plans.keys():
            for base in sorted(missing):
                self._found.warnings.append(f"plan {base} is archived, but other plans are based on it")
                await self._take_plan(await self._server.get(f"{PLANS}{base}/", include="prices,entitlements"))

    async def _entitlement(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        feature = entry["feature"]
        if str(feature.get("id")) not in self._features:
            self._take_feature(feature)
        details = {name: value for name, value in entry["details"].items() if name not in _MARKS}
        return {**details, "feature": feature["identifier"]}

    async def _price(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        components: list[dict[str, Any]] = entry.get("chargeCatalogPrice") or []
        return {**entry, "chargeCatalogPrice": [await self._component(each) for each in components]}

    async def _component(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        id = entry.get("feature")
        if id is None:
            return dict(entry)
        if id not in self._features:
            self._take_feature(await self._server.get(f"{FEATURES}{id}/"))
        return {**entry, "feature": self._features[id]}

    def _warn(self, whose: str, entry: Mapping[str, Any], names: tuple[str, ...]) -> None:
        there = [f"{len(entry[name])} {name}" for name in names if entry.get(name)]
        if there:
            self._found.warnings.append(f"{whose} has {' and '.join(there)}, which a file does not hold")


def _is_own(entry: Mapping[str, Any]) -> bool:
    details: dict[str, Any] = entry.get("details") or {}
    return not details.get("isInherited") or bool(details.get("isValueOverridden"))


def _record(kind: type[P], entry: Mapping[str, Any], what: str) -> P:
    try:
        return kind.model_validate(entry, context=ANSWER)
    except ValidationError as error:
        first = error.errors()[0]
        where = path_text(first["loc"])
        raise CatalogFault(
            f"{what} {entry.get('identifier')} cannot be written down: {where}: {mistake_text(first)}"
        ) from None
