"""All SQL about where licences are active, and about licences with what they are licences of."""

from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.entitlements.license_keys.steps import LICENSE
from kelviq_server.licenses.records import Instance, LicenseFilter, ListedLicense, NewInstance, WholeLicense
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import CHOSEN, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.subscriptions.life.steps import COLUMNS as SUBSCRIPTION

QUESTIONS: Final[tuple[LiteralString, ...]] = (
    # A licence is active on as many machines as it counts.
    "SELECT 'machines of licence', l.id::text, count(i.id)::text, l.activation_usage::text FROM licenses AS l"
    " LEFT JOIN license_instances AS i ON i.tenant_id = l.tenant_id AND i.license_id = l.id"
    " WHERE l.tenant_id = %(tenant_id)s GROUP BY l.id, l.activation_usage",
)
# An instance that was seen this recently is not written anew.
SEEN_SECONDS: Final[LiteralString] = "60"
_INSTANCE: LiteralString = "id, name, metadata, activated_at, last_seen_at"
_HOLDER: LiteralString = (
    "(SELECT json_build_object('external_id', external_id, 'name', name, 'email', email,"
    "  'is_archived', archived_at IS NOT NULL) FROM customers AS c"
    " WHERE c.tenant_id = l.tenant_id AND c.id = l.customer_id)"
)
_PLAN: LiteralString = (
    "(SELECT json_build_object('identifier', p.identifier, 'name', v.name, 'description', v.description,"
    "  'version', v.version, 'is_latest', v.state = 'published', 'product', json_build_object('id', o.id,"
    "   'identifier', o.identifier, 'name', o.name, 'tax_code', o.tax_code, 'created_at', o.created_at,"
    "   'modified_at', o.modified_at))"
    " FROM plan_versions AS v JOIN plans AS p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id"
    " JOIN products AS o ON o.tenant_id = p.tenant_id AND o.id = p.product_id"
    " WHERE v.tenant_id = l.tenant_id AND v.id = l.version_id)"
)
_WHOLE: LiteralString = (
    "'license', (SELECT to_json(one) FROM (SELECT " + ", ".join(["l." + name for name in LICENSE.split(", ")]) + ")"
    " AS one), 'customer', " + _HOLDER + ", 'plan', " + _PLAN + ","
    " 'subscription', (SELECT to_json(one) FROM (SELECT " + SUBSCRIPTION + " FROM subscriptions AS s"
    "  WHERE s.tenant_id = l.tenant_id AND s.id = l.subscription_id) AS one)"
)
_CLOCK: LiteralString = (
    "clock AS (SELECT coalesce((SELECT coalesce(frozen_at, %(now)s::timestamptz + ahead) FROM clocks"
    "  WHERE tenant_id = %(tenant_id)s), %(now)s) AS now)"
)


async def find_seen(tx: Tx, key: str, instance_id: UUID | None) -> WholeLicense | None:
    """Return the licence with a key, with the instance that was named, and note that this one was seen; or None.

    One statement, by the tenant's clock: desktop software asks it all the time.
    """
    return await tx.find_decoded(
        WholeLicense,
        "WITH " + _CLOCK + ", seen AS (UPDATE license_instances AS i SET last_seen_at = clock.now"
        "  FROM clock, licenses AS l WHERE l.tenant_id = %(tenant_id)s AND l.key = %(key)s"
        "   AND i.tenant_id = l.tenant_id AND i.license_id = l.id AND i.id = %(instance_id)s::uuid"
        "   AND i.last_seen_at < clock.now - make_interval(secs => " + SEEN_SECONDS + ")"
        "  RETURNING i.id)"
        " SELECT json_build_object('now', clock.now, " + _WHOLE + ", 'instance', ("
        "  SELECT to_json(one) FROM (SELECT i.id, i.name, i.metadata, i.activated_at,"
        "    CASE WHEN seen.id IS NULL THEN i.last_seen_at ELSE clock.now END AS last_seen_at"
        "   FROM license_instances AS i LEFT JOIN seen ON seen.id = i.id"
        "   WHERE i.tenant_id = l.tenant_id AND i.license_id = l.id AND i.id = %(instance_id)s::uuid) AS one))"
        " FROM licenses AS l, clock WHERE l.tenant_id = %(tenant_id)s AND l.key = %(key)s",
        {"tenant_id": tx.tenant_id, "key": key, "instance_id": instance_id, "now": tx.machine_now},
    )  # fmt: skip


async def get_whole(tx: Tx, id: UUID) -> WholeLicense:
    """Return a licence with everything that answers show of it; raises NotFound."""
    found = await tx.find_decoded(
        WholeLicense,
        "SELECT json_build_object('now', %(now)s::timestamptz, " + _WHOLE + ") FROM licenses AS l"
        " WHERE l.tenant_id = %(tenant_id)s AND l.id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )
    if found is None:
        raise NotFound
    return found


async def list_licenses(tx: Tx, wanted: LicenseFilter, page: Page) -> Listed[ListedLicense]:
    """Return a page of the licences, newest first."""
    matching: LiteralString = "SELECT id, seq FROM licenses WHERE tenant_id = %(tenant_id)s"
    if wanted.customer is not None:
        matching += (
            " AND customer_id = (SELECT id FROM customers WHERE tenant_id = %(tenant_id)s"
            " AND external_id = %(customer)s)"
        )
    if wanted.key is not None:
        matching += " AND key = %(key)s"
    rows: LiteralString = (
        "SELECT l.seq, (SELECT to_json(one) FROM (SELECT " + ", ".join(["l." + name for name in LICENSE.split(", ")])
        + ") AS one) AS license, " + _HOLDER + " AS customer, " + _PLAN + " AS plan"
        " FROM licenses AS l WHERE l.tenant_id = %(tenant_id)s AND l." + CHOSEN
    )  # fmt: skip
    return await tx.decoded(
        Listed[ListedLicense],
        listing(matching, rows, "license, customer, plan"),
        {"tenant_id": tx.tenant_id, "customer": wanted.customer, "key": wanted.key, **page_parameters_of(page)},
    )


async def list_instances(tx: Tx, license_id: UUID) -> list[Instance]:
    """Return where a licence is active, the longest first; no more than a thousand."""
    return await tx.decoded(
        list[Instance],
        "SELECT coalesce(json_agg(one), '[]') FROM (SELECT " + _INSTANCE + " FROM license_instances"
        " WHERE tenant_id = %s AND license_id = %s ORDER BY activated_at, id LIMIT 1000) AS one",
        (tx.tenant_id, license_id),
    )


async def insert_instance(tx: Tx, license_id: UUID, id: UUID, new: NewInstance) -> Instance:
    """Write where a licence is active from now on."""
    return await tx.decoded(
        Instance,
        "INSERT INTO license_instances (tenant_id, license_id, " + _INSTANCE + ")"
        " VALUES (%s, %s, %s, %s, %s::json, %s, %s) RETURNING to_json(license_instances)",
        (tx.tenant_id, license_id, id, new.name, new.metadata, tx.now, tx.now),
    )


async def delete_instance(tx: Tx, license_id: UUID, id: UUID) -> Instance | None:
    """Let a locked licence be active there no longer; return where it was, None where it was not."""
    return await tx.find_decoded(
        Instance,
        "DELETE FROM license_instances WHERE tenant_id = %s AND license_id = %s AND id = %s"
        " RETURNING to_json(license_instances)",
        (tx.tenant_id, license_id, id),
    )


async def delete_instances(tx: Tx, license_id: UUID) -> None:
    """Let a locked licence be active nowhere."""
    await tx.execute(
        "DELETE FROM license_instances WHERE tenant_id = %s AND license_id = %s", (tx.tenant_id, license_id)
    )
