"""Composition root of the API: every operation, who may call it, and what starts with the process."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kelviq_server.billing.charges import routes as charges
from kelviq_server.billing.invoices import routes as invoices
from kelviq_server.billing.ledger import routes as ledger
from kelviq_server.billing.orders import routes as orders
from kelviq_server.billing.refunds import routes as refunds
from kelviq_server.billing.transactions import routes as transactions
from kelviq_server.catalog.contents import routes as contents
from kelviq_server.catalog.features import routes as features
from kelviq_server.catalog.plans import routes as plans
from kelviq_server.catalog.products import routes as products
from kelviq_server.checkout.sessions import routes as checkout
from kelviq_server.customers.routes import operations as customer_operations
from kelviq_server.entitlements import routes as entitlements
from kelviq_server.entitlements.explanations import routes as explanations
from kelviq_server.licenses import routes as licenses
from kelviq_server.licenses.signing import routes as license_signing
from kelviq_server.media.routes import operations as media_operations
from kelviq_server.media.routes import public_operations as public_media_operations
from kelviq_server.pages.routes import page_routes
from kelviq_server.partner.routes import operations as partner_operations
from kelviq_server.partner.steps import find_partner_caller
from kelviq_server.payments.routes import operations as payment_method_operations
from kelviq_server.platform.answers import json_answer, raw_answer
from kelviq_server.platform.authentication import Authentication, KeyMemory
from kelviq_server.platform.database import INSTANCE, close_pool, open_pool, reading
from kelviq_server.platform.docs_page import docs_routes
from kelviq_server.platform.file_choice import chosen_file_store
from kelviq_server.platform.file_store import current_file_store, use_file_store
from kelviq_server.platform.health import health_routes
from kelviq_server.platform.http import Api
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.observe import Observation
from kelviq_server.platform.openapi import document
from kelviq_server.platform.operations import API_PATH, Caller, Operation
from kelviq_server.platform.outgoing import Outgoing, use_outgoing
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.rate_limits import RateLimit
from kelviq_server.platform.settings import Settings, WrongSetting
from kelviq_server.platform.signals import listen
from kelviq_server.platform.storage_routes import storage_routes
from kelviq_server.platform.vault import Vault, secret_of, use_vault
from kelviq_server.portal.routes import operations as portal_operations
from kelviq_server.promotions.by_country import routes as promotions
from kelviq_server.promotions.discounts import routes as discounts
from kelviq_server.subscriptions.changes import routes as changes
from kelviq_server.subscriptions.endings import routes as endings
from kelviq_server.subscriptions.life import routes as subscriptions
from kelviq_server.subscriptions.offerings import routes as offerings
from kelviq_server.subscriptions.purchases import routes as purchases
from kelviq_server.taxes.routes import operations as tax_operations
from kelviq_server.tenants.clocks.routes import operations as clock_operations
from kelviq_server.tenants.routes import operations as organization_operations
from kelviq_server.tenants.steps import find_caller
from kelviq_server.usage.reports import routes as reports
from kelviq_server.usage.reports.actions.make_room import make_room
from kelviq_server.usage.reports.actions.record_report import GATHERED
from kelviq_server.usage.reservations.routes import operations as reservation_operations
from kelviq_server.usage.series import routes as series
from kelviq_server.usage.traces import routes as traces
from kelviq_server.visitors.steps import PACKAGED, use_countries
from kelviq_server.webhooks.attempts import routes as webhook_attempts
from kelviq_server.webhooks.deliveries import routes as webhook_deliveries
from kelviq_server.webhooks.endpoints import routes as webhook_endpoints
from kelviq_server.webhooks.log import routes as webhook_log
from kelviq_server.worker import hand_down, work

log = structlog.get_logger()

CONTRACT_PATH = f"{API_PATH}/openapi.json"


def operations() -> list[Operation]:
    """Return every operation of the API."""
    groups = (
        customer_operations,
        products.operations,
        products.settings_operations,
        products.file_operations,
        features.operations,
        plans.operations,
        contents.operations,
        contents.file_operations,
        contents.download_operations,
        discounts.operations,
        promotions.operations,
        promotions.server_operations,
        charges.operations,
        orders.operations,
        orders.event_operations,
        refunds.operations,
        invoices.operations,
        ledger.operations,
        transactions.operations,
        purchases.operations,
        subscriptions.operations,
        changes.operations,
        endings.operations,
        offerings.operations,
        checkout.operations,
        checkout.session_operations,
        checkout.event_operations,
        reports.operations,
        reservation_operations,
        traces.operations,
        series.operations,
        entitlements.operations,
        entitlements.server_operations,
        explanations.operations,
        license_signing.operations,
        licenses.operations,
        media_operations,
        public_media_operations,
        payment_method_operations,
        organization_operations,
        tax_operations,
        portal_operations,
        partner_operations,
        webhook_endpoints.operations,
        webhook_deliveries.operations,
        webhook_log.operations,
        webhook_attempts.operations,
        clock_operations,
    )
    return [operation for group in groups for operation in group.all]


def openapi_document() -> dict[str, object]:
    """Return the published contract."""
    return document(operations(), version("kelviq-server"))


async def key_owner(key: str) -> Caller | None:
    async with reading(INSTANCE) as tx:
        return await find_caller(tx, key)


async def _partner(key: str) -> Caller | None:
    async with reading(INSTANCE) as tx:
        return await find_partner_caller(tx, key)


class Application(Starlette):
    """The API, and beside it the pages and what operators ask."""

    api: Api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand requests for the API over directly: it renders its own errors, and is asked most."""
        path = scope.get("path", "")
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif path.startswith(API_PATH + "/") and path.removesuffix("/") != CONTRACT_PATH:
            await self.api({**scope, "root_path": API_PATH}, receive, send)
        else:
            await self._page(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        observation = Observation(scope, send)
        observation.operation = "pages"
        try:
            await super().__call__({**scope, "request_id": observation.request_id}, receive, observation.send)
        except Exception:
            # Answered already, by the handler of faults.
            log.exception("unhandled error")
        finally:
            observation.finish()


def create_app(settings: Settings, conninfo: str, *, with_worker: bool) -> Application:
    """Return the application; it connects to the database when it starts, and with it its worker if wanted."""
    keys, partner_keys = KeyMemory(key_owner), KeyMemory(_partner)
    try:
        use_countries(settings.countries_file or PACKAGED)
    except (OSError, ValueError) as fault:
        raise WrongSetting(f"countries_file (KELVIQ_COUNTRIES_FILE): {fault}") from None

    def forget_all() -> None:
        keys.forget_all()
        partner_keys.forget_all()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        use_vault(Vault(secret_of(settings.secret, settings.data_dir)))
        use_file_store(chosen_file_store(settings))
        outgoing = Outgoing(settings.webhook_networks)
        use_outgoing(outgoing)
        hand_down(settings)
        GATHERED.limit = settings.usage_together
        await open_pool(conninfo, settings.pool_size)
        await make_room(datetime.now(UTC))
        listeners = {"key": keys.forget, "partner_key": partner_keys.forget}
        tasks = [asyncio.create_task(listen(conninfo, listeners, forget_all))]
        if with_worker:
            tasks.append(asyncio.create_task(work(settings)))
        # What was made up to here stays for good; the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await outgoing.close()
        await close_pool()

    public_url = PublicUrl(settings.public_url, settings.trusted_proxies)
    rate = settings.rate_limit_per_second
    api = Api(
        operations(),
        Authentication(keys, partner_keys, public_url),
        RateLimit(rate, settings.rate_limit_burst) if rate else None,
        public_url,
    )
    app = Application(
        routes=[
            *_contract_routes(),
            Route("/", _root),
            *docs_routes(),
            *health_routes(),
            *page_routes(public_url),
            *storage_routes(current_file_store, public_url),
        ],
        exception_handlers={HTTPException: _refuse, Exception: _fault},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.api = api
    return app


def _contract_routes() -> list[Route]:
    contract = dump(openapi_document())

    async def openapi_json(request: Request) -> Response:
        return raw_answer(contract, headers={"Access-Control-Allow-Origin": "*"})

    return [Route(CONTRACT_PATH, openapi_json), Route(CONTRACT_PATH + "/", openapi_json)]


async def _root(request: Request) -> Response:
    return RedirectResponse("/docs")


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return json_answer({"detail": "Not found."}, error.status_code)
    answer = json_answer({"detail": f'Method "{request.method}" not allowed.'}, 405)
    allowed = (error.headers or {}).get("Allow", "")
    answer.headers["Allow"] = ", ".join(sorted(allowed.split(", ")))
    return answer


async def _fault(request: Request, error: Exception) -> Response:
    return json_answer({"detail": "Internal server error.", "requestId": request.scope["request_id"]}, 500)
