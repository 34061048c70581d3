"""The operations on payment methods."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.payments import store
from kelviq_server.payments.actions.delete_method import delete_method
from kelviq_server.payments.actions.save_method import save_method
from kelviq_server.payments.actions.set_default_method import set_default_method
from kelviq_server.payments.errors import (
    CardRefused,
    DefaultMethodInUse,
    GatewayUnavailable,
    NoCardsTaken,
    NoGatewayConfigured,
    NotATestCard,
)
from kelviq_server.payments.records import MethodFilter
from kelviq_server.payments.schemas import (
    PaymentMethodCreateRequest,
    PaymentMethodListResponse,
    PaymentMethodResponse,
    method_answer,
)
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import NUMBER_IN_PATH, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Payment Methods", Access.SERVER)
_WHOSE = (
    Parameter("customer_id", {"type": "string"}, "Only those of the customer with this id of yours."),
    Parameter("customer_email", {"type": "string"}, "Only those of customers with this e-mail address."),
)


@operations.add(
    "GET",
    "/payment-methods/",
    "listPaymentMethods",
    summary="List payment methods",
    answer=PaymentMethodListResponse,
    parameters=(*_WHOSE, *page_parameters()),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of saved payment methods, newest first; those that cannot be charged are left out."""
    page = read_page(call.query)
    wanted = MethodFilter(call.text("customer_id"), call.text("customer_email"))
    async with reading(call.tenant) as tx:
        listed = await store.list_methods(tx, page, wanted)
    return list_answer(call, page, listed, [method_answer(method) for method in listed.results])


@operations.add(
    "POST",
    "/payment-methods/",
    "createPaymentMethod",
    summary="Save a test card",
    body=PaymentMethodCreateRequest,
    status=201,
    answer=PaymentMethodResponse,
    refuses=[CustomerUnknown, CardRefused, NotATestCard, NoCardsTaken, NoGatewayConfigured, GatewayUnavailable],
)
async def create(call: Call[PaymentMethodCreateRequest]) -> Response:
    """Saves one of the test cards for a customer of the sandbox; elsewhere buyers save their methods at checkout."""
    body = call.body
    method = await save_method(call.tenant, body.customer_id, body.card(), is_default=body.is_default)
    return json_answer(method_answer(method), 201)


@operations.add(
    "GET",
    "/payment-methods/{pk}/",
    "retrievePaymentMethod",
    summary="Retrieve a payment method",
    answer=PaymentMethodResponse,
    path_schemas=NUMBER_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a saved payment method."""
    async with reading(call.tenant) as tx:
        method = await store.get_method(tx, call.path_number("pk"))
    return json_answer(method_answer(method))


@operations.add(
    "POST",
    "/payment-methods/{pk}/default/",
    "setDefaultPaymentMethod",
    summary="Make a payment method the default",
    answer=PaymentMethodResponse,
    path_schemas=NUMBER_IN_PATH,
    refuses=[NotFound],
)
async def set_default(call: Call[None]) -> Response:
    """Lets the customer pay with this method from now on."""
    return json_answer(method_answer(await set_default_method(call.tenant, call.path_number("pk"))))


@operations.add(
    "DELETE",
    "/payment-methods/{pk}/",
    "deletePaymentMethod",
    summary="Delete a payment method",
    status=204,
    path_schemas=NUMBER_IN_PATH,
    refuses=[NotFound, DefaultMethodInUse],
)
async def delete(call: Call[None]) -> Response:
    """Deletes a payment method; the default one only where the customer has no other."""
    await delete_method(call.tenant, call.path_number("pk"))
    return empty_answer()
