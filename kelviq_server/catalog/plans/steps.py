"""What others may borrow of plans, and what the actions on plans share: a draft to write to."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from kelviq_server.catalog.contents import store as contents
from kelviq_server.catalog.contents.schemas import PlanFileAnswer, plan_file_answer
from kelviq_server.catalog.features import store as feature_store
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.features.schemas import feature_answer
from kelviq_server.catalog.features.store import COLUMNS as FEATURE_COLUMNS
from kelviq_server.catalog.plans import rules, store
from kelviq_server.catalog.plans.records import Editing, PlanEntitlement, PlanFile, PlanVersion
from kelviq_server.catalog.plans.schemas import CatalogPlan, PlanLink, plan_answer
from kelviq_server.catalog.plans.store import (
    FOR_SALE,
    find_for_sale,
    get_version,
    list_by_id,
    list_for_sale,
    list_granting,
    list_rollouts,
)
from kelviq_server.catalog.prices.records import Price
from kelviq_server.catalog.prices.schemas import PlanCharge, charge_answer
from kelviq_server.catalog.prices.store import get_price, insert_prices, list_offered
from kelviq_server.core.errors import NotFound
from kelviq_server.media import steps as media
from kelviq_server.media.records import Upload
from kelviq_server.platform.database import Tx
from kelviq_server.platform.wire import Path, refuse_faults

__all__ = [
    "FEATURE_COLUMNS",
    "FOR_SALE",
    "CatalogPlan",
    "PlanCharge",
    "PlanFileAnswer",
    "PlanLink",
    "charge_answer",
    "feature_answer",
    "features_of",
    "find_for_sale",
    "get_price",
    "get_version",
    "list_by_id",
    "list_for_sale",
    "list_granting",
    "list_offered",
    "list_rollouts",
    "plan_answer",
    "plan_file_answer",
    "priced_features",
]


async def begin_edit(tx: Tx, identifier: str, version: int | None = None) -> Editing:
    """Lock a plan and return the version that a change starts from: its draft, else what is for sale.

    Raises NotFound, PlanArchived, or VersionFixed where a version was named that can no longer change.
    """
    plan = await store.lock_family(tx, identifier)
    edit = rules.edit_of(plan, version)
    return Editing(plan, edit, await store.get_version(tx, identifier, edit.copied_from or edit.version))


async def open_draft(tx: Tx, editing: Editing) -> PlanVersion:
    """Return the draft to write the change to: the one there is, or the next version as a copy of what is for sale."""
    if editing.edit.copied_from is None:
        return editing.version
    return await copy_version(tx, editing.plan.id, editing.version, editing.edit.version)


async def copy_version(tx: Tx, plan_id: UUID, source: PlanVersion, number: int) -> PlanVersion:
    """Return a new draft that says what another version says; what that inherited is inherited anew."""
    id = await store.insert_draft(tx, plan_id, number, rules.fields_of(source), source.base_plan_id)
    await insert_prices(tx, id, source.prices)
    await contents.insert_entitlements(tx, id, source.own)
    await contents.insert_files(tx, id, source.files)
    return await store.get_version(tx, source.identifier, number)


async def refuse_base(tx: Tx, plan_id: UUID, base_plan_id: UUID | None, path: Path) -> None:
    """Raise InvalidFields where a plan would be based on itself, near or far; nobody changes that until the commit."""
    if base_plan_id is not None:
        await store.lock_bases(tx)
        if await store.has_base_above(tx, plan_id, base_plan_id):
            refuse_faults([(path, "A plan is not based on itself, near or far.")])


async def write_entitlements(
    tx: Tx, editing: Editing, own: Sequence[PlanEntitlement], base_plan_id: UUID | None
) -> PlanVersion:
    """Return the version that grants these by itself, and the rest as its base plan does; opened if that is new."""
    before = editing.version
    if base_plan_id == before.base_plan_id and list(own) == before.own:
        return before
    draft = await open_draft(tx, editing)
    await store.update_base(tx, draft.id, base_plan_id)
    await contents.delete_entitlements(tx, draft.id)
    await contents.insert_entitlements(tx, draft.id, own)
    return await store.get_version(tx, before.identifier, draft.version)


async def find_entitlement(tx: Tx, version: PlanVersion, feature: str) -> tuple[PlanEntitlement, Feature]:
    """Return the entitlement of a version to a feature, named by its identifier; raises NotFound."""
    granted = version.granted
    features = await features_of(tx, granted)
    for entitlement in granted:
        if features[entitlement.feature_id].identifier == feature:
            return entitlement, features[entitlement.feature_id]
    raise NotFound


async def refuse_entitlements(tx: Tx, version: PlanVersion, entitlements: Mapping[Path, PlanEntitlement]) -> None:
    """Raise InvalidFields where terms do not suit their feature, or no such feature can be granted.

    What the version grants already, it may go on granting, archived features too.
    """
    features = await features_of(tx, list(entitlements.values()))
    refuse_faults(rules.entitlement_faults(entitlements, features, {had.feature_id for had in version.granted}))


async def add_files(tx: Tx, draft: PlanVersion, kept: Sequence[tuple[Upload, int]]) -> None:
    """Attach kept uploads to a draft, after the files that it has."""
    if kept:
        attached = await media.attach(tx, kept, public=False)
        await contents.insert_files(tx, draft.id, rules.plan_files(draft.files, attached))


def file_of(version: PlanVersion, id: UUID) -> PlanFile:
    """Return a file of a version; raises NotFound."""
    for file in version.files:
        if file.id == id:
            return file
    raise NotFound


async def release_files(tx: Tx, files: Sequence[PlanFile]) -> None:
    """Have those of the files swept up that no version of any plan has any more."""
    for id in await contents.list_unused_files(tx, [file.id for file in files]):
        await media.release_file(tx, id)


async def priced_features(tx: Tx, price: Price) -> dict[UUID, Feature]:
    """Return the features that a price names, by id."""
    named = {component.feature_id for component in price.components if component.feature_id is not None}
    return await feature_store.list_by_id(tx, named) if named else {}


async def features_of(tx: Tx, entitlements: Sequence[PlanEntitlement]) -> dict[UUID, Feature]:
    """Return the features that are granted, by id."""
    return await feature_store.list_by_id(tx, {entitlement.feature_id for entitlement in entitlements})
