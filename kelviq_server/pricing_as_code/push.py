"""Carry out what a catalog lacks, step by step, and put plans on sale."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from kelviq_server.pricing_as_code.difference import Change, Difference, Kind
from kelviq_server.pricing_as_code.errors import CatalogDrift, CatalogFault, PushStopped
from kelviq_server.pricing_as_code.pull import FEATURES, PLANS, PRODUCTS, Found
from kelviq_server.pricing_as_code.records import CatalogComponent, CatalogEntitlement, CatalogPrice
from kelviq_server.pricing_as_code.server import Server

S = TypeVar("S")
Tell = Callable[[str], None]


async def apply(server: Server, found: Found, asked: Difference, tell: Tell) -> None:
    """Carry out the changes; what is published stays for sale, and the changes of a plan are a draft.

    Raises CatalogDrift before anything is written, PushStopped at the first change that is refused.
    """
    if asked.drifts:
        raise CatalogDrift(asked.drifts)
    writer = _Writer(server, dict(found.product_ids), dict(found.feature_ids))
    await _step_by_step(asked.changes, writer.carry_out, lambda change: change.lines, tell)


async def publish(
    server: Server, plans: Sequence[str], tell: Tell, *, migrate_features: bool = False, migrate_pricing: bool = False
) -> None:
    """Put the drafts of these plans on sale, in this order. Raises PushStopped at the first that is refused."""
    body = {"updateFeatures": migrate_features, "updatePricing": migrate_pricing}

    async def publish_one(plan: str) -> None:
        await server.send("POST", f"{PLANS}{plan}/publish/", body)

    await _step_by_step(plans, publish_one, lambda plan: (f"publish plan {plan}",), tell)


async def _step_by_step(
    steps: Sequence[S], act: Callable[[S], Awaitable[None]], lines_of: Callable[[S], Sequence[str]], tell: Tell
) -> None:
    applied: list[str] = []
    for place, step in enumerate(steps):
        lines = lines_of(step)
        try:
            await act(step)
        except CatalogFault as error:
            left = [line for later in steps[place:] for line in lines_of(later)]
            raise PushStopped(f"stopped at {lines[0]}: {error}", applied, left) from None
        applied += lines
        for line in lines:
            tell(line)


class _Writer:
    def __init__(self, server: Server, products: dict[str, str], features: dict[str, str]) -> None:
        self._server = server
        # What the server calls them, by their identifiers; what is created comes to it.
        self._products = products
        self._features = features

    async def carry_out(self, change: Change) -> None:
        match change.kind:
            case Kind.PRODUCT:
                await self._write(change, PRODUCTS, self._products)
            case Kind.FEATURE:
                await self._write(change, FEATURES, self._features)
            case Kind.CURRENCY:
                path = f"{PRODUCTS}{self._products[change.identifier]}/settings/"
                await self._server.send("PATCH", path, change.fields or {})
            case Kind.PLAN:
                await self._write_plan(change)
            case Kind.ENTITLEMENTS:
                granted = [self._entitlement(each) for each in change.entitlements]
                body = {"planEntitlements": granted, **(change.fields or {})}
                await self._server.send("PUT", f"{PLANS}{change.identifier}/features/", body)
            case Kind.PRICES:
                prices = {"prices": [self._price(each) for each in change.prices]}
                await self._server.send("POST", f"{PLANS}{change.identifier}/prices/bulk/", prices)

    async def _write(self, change: Change, path: str, ids: dict[str, str]) -> None:
        fields = dict(change.fields or {})
        if not change.is_new:
            await self._server.send("PATCH", f"{path}{ids[change.identifier]}/", fields)
            return
        if "type" in fields:
            fields["featureType"] = fields.pop("type")
        made = await self._server.send("POST", path, fields)
        if "id" not in made:
            raise CatalogFault(f"POST {path}: the answer has no id")
        ids[change.identifier] = str(made["id"])

    async def _write_plan(self, change: Change) -> None:
        fields = dict(change.fields or {})
        if change.is_new:
            await self._server.send("POST", PLANS, {**fields, "product": self._products[fields["product"]]})
        else:
            await self._server.send("PATCH", f"{PLANS}{change.identifier}/", fields)

    def _entitlement(self, entitlement: CatalogEntitlement) -> dict[str, Any]:
        details = entitlement.minimal()
        return {"feature": self._features[details.pop("feature")], "details": details}

    def _price(self, price: CatalogPrice) -> dict[str, Any]:
        said = price.model_dump(by_alias=True, exclude_none=True)
        return {**said, "chargeCatalogPrice": [self._component(each) for each in price.charge_catalog_price]}

    def _component(self, component: CatalogComponent) -> dict[str, Any]:
        said = component.model_dump(by_alias=True, exclude_none=True)
        return said if component.feature is None else {**said, "feature": self._features[component.feature]}
