"""The operations on licences: those that applications need, and those for merchants."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.licenses import store
from kelviq_server.licenses.actions.activate_license import activate_license
from kelviq_server.licenses.actions.deactivate_license import deactivate_license
from kelviq_server.licenses.actions.disable_license import disable_license
from kelviq_server.licenses.actions.edit_license import edit_license
from kelviq_server.licenses.actions.regenerate_license import regenerate_license
from kelviq_server.licenses.actions.revoke_instance import revoke_instance
from kelviq_server.licenses.actions.show_license import show_license
from kelviq_server.licenses.actions.validate_license import validate_license
from kelviq_server.licenses.errors import (
    InstanceUnknown,
    LicenseDisabled,
    LicenseDisabledForGood,
    LicenseExpired,
    LicenseUnknown,
    LimitReached,
)
from kelviq_server.licenses.records import LicenseFilter, Validity
from kelviq_server.licenses.schemas import (
    LicenseActivation,
    LicenseActivationResponse,
    LicenseDeactivation,
    LicenseDeactivationResponse,
    LicenseDetails,
    LicenseListResponse,
    LicenseUpdateRequest,
    LicenseValidate,
    LicenseValidationResponse,
    LicenseWithInstances,
    activated_answer,
    details_answer,
    listed_answer,
    verdict_answer,
    with_instances,
)
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_IN_PATH, UUID_SCHEMA, Access, Call, Operations, Other, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import wire_instant

operations = Operations("License", Access.SERVER)
_UNKNOWN = (Validity.INVALID_KEY, Validity.INSTANCE_NOT_FOUND)


@operations.add(
    "POST",
    "/license/activate/",
    "licenseActivate",
    summary="Activate a licence",
    body=LicenseActivation,
    status=201,
    answer=LicenseActivationResponse,
    refuses=(LicenseUnknown, LicenseDisabled, LicenseExpired, LimitReached),
    refusal_key="error",
)
async def activate(call: Call[LicenseActivation]) -> Response:
    """Lets a licence be active on one more machine. Of many calls at once no more succeed than its limit allows."""
    return json_answer(activated_answer(await activate_license(call.tenant, call.body.new())), 201)


@operations.add(
    "POST",
    "/license/validate/",
    "licenseValidate",
    summary="Validate a licence",
    body=LicenseValidate,
    answer=LicenseValidationResponse,
    also={404: Other("No licence has this key (INVALID_KEY), or it is not active there (INSTANCE_NOT_FOUND).")},
)
async def validate(call: Call[LicenseValidate]) -> Response:
    """Says whether a licence is valid, on a machine if one is named; that machine has then been seen.

    `valid` is false with the code EXPIRED once its time or the purchase is over, DISABLED once it is disabled, and
    NOT_ACTIVATED while it is active nowhere.
    """
    verdict = await validate_license(call.tenant, call.body.license_key, call.body.instance_id)
    return json_answer(verdict_answer(verdict), 404 if verdict.validity in _UNKNOWN else 200)


@operations.add(
    "POST",
    "/license/deactivate/",
    "licenseDeactivate",
    summary="Deactivate a licence",
    body=LicenseDeactivation,
    answer=LicenseDeactivationResponse,
    refuses=[InstanceUnknown],
    refusal_key="error",
)
async def deactivate(call: Call[LicenseDeactivation]) -> Response:
    """Lets a licence be active on one machine less, which makes room for another; the licence stays valid."""
    at = await deactivate_license(call.tenant, call.body.license_key, call.body.instance_id)
    return json_answer({"message": "License instance deactivated successfully.", "deactivatedAt": wire_instant(at)})


@operations.add(
    "GET",
    "/licenses/",
    "listLicenses",
    summary="List licences",
    answer=LicenseListResponse,
    parameters=(
        Parameter("customer_id", {"type": "string"}, "Only those of this customer, named by your own id."),
        Parameter("license_key", {"type": "string"}, "Only the one with this key."),
        *page_parameters(),
    ),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a page of the licences, newest first."""
    page = read_page(call.query)
    wanted = LicenseFilter(call.text("customer_id"), call.text("license_key"))
    async with reading(call.tenant) as tx:
        listed = await store.list_licenses(tx, wanted, page)
    return list_answer(call, page, listed, [listed_answer(each) for each in listed.results])


@operations.add(
    "GET",
    "/licenses/{pk}/",
    "retrieveLicense",
    summary="Retrieve a licence",
    answer=LicenseWithInstances,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Returns a licence, and where it is active."""
    whole, instances = await show_license(call.tenant, call.uuid("pk"))
    return json_answer(with_instances(whole, instances))


@operations.add(
    "PATCH",
    "/licenses/{pk}/",
    "updateLicense",
    summary="Change the limit or the expiry of a licence",
    body=LicenseUpdateRequest,
    answer=LicenseDetails,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, LicenseDisabledForGood],
)
async def update(call: Call[LicenseUpdateRequest]) -> Response:
    """Changes for how many machines, or until when, one licence is good: at once, whatever its plan says."""
    return json_answer(details_answer(await edit_license(call.tenant, call.uuid("pk"), call.body.sent())))


@operations.add(
    "POST",
    "/licenses/{pk}/regenerate/",
    "regenerateLicense",
    summary="Give a licence another key",
    answer=LicenseDetails,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, LicenseDisabledForGood],
)
async def regenerate(call: Call[None]) -> Response:
    """Makes a new key. The old one ceases to work at once, and so do all activations; it cannot be undone."""
    return json_answer(details_answer(await regenerate_license(call.tenant, call.uuid("pk"))))


@operations.add(
    "POST",
    "/licenses/{pk}/disable/",
    "disableLicense",
    summary="Disable a licence",
    answer=LicenseDetails,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def disable(call: Call[None]) -> Response:
    """Lets nobody use a licence any more, anywhere; it cannot be undone."""
    return json_answer(details_answer(await disable_license(call.tenant, call.uuid("pk"))))


@operations.add(
    "DELETE",
    "/licenses/{pk}/instances/{instanceId}/",
    "revokeLicenseInstance",
    summary="Revoke a licence on one machine",
    status=204,
    path_schemas={**UUID_IN_PATH, "instanceId": UUID_SCHEMA},
    refuses=[NotFound],
)
async def revoke(call: Call[None]) -> Response:
    """Takes a licence away from one machine, which makes room for another; elsewhere it stays active."""
    await revoke_instance(call.tenant, call.uuid("pk"), call.uuid("instanceId"))
    return empty_answer()
