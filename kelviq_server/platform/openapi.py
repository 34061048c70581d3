"""The published contract, made from the operations that the code runs."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kelviq_server.core.errors import NotFound, Refusal
from kelviq_server.platform.answers import (
    BodyTooLarge,
    BodyTooSlow,
    Forbidden,
    InvalidKey,
    Malformed,
    Throttled,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from kelviq_server.platform.claims import RequestUnderWay
from kelviq_server.platform.idempotency import HEADER, MAX_KEY_CHARACTERS, KeyUsedOtherwise, OutcomeUnknown
from kelviq_server.platform.operations import Access, Operation
from kelviq_server.platform.wire import InvalidFields

_EVERY: tuple[type[Refusal], ...] = (Throttled, Unavailable)
_WITH_KEY: tuple[type[Refusal], ...] = (Unauthenticated, InvalidKey)
_WITH_BODY: tuple[type[Refusal], ...] = (Malformed, BodyTooSlow, BodyTooLarge, UnsupportedMediaType)
_WITH_IDEMPOTENCY_KEY: tuple[type[Refusal], ...] = (InvalidFields, KeyUsedOtherwise, RequestUnderWay, OutcomeUnknown)
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.SERVER: [{"bearerAuth": []}],
    Access.CLIENT: [{"bearerAuth": []}],
    Access.PARTNER: [{"partnerKeyAuth": []}],
    Access.PUBLIC: [],
}
_DETAIL = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"type": "string", "description": "What is so, in one sentence."}},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What is so, in one sentence."}},
}
_SERVER_ERROR = {
    "type": "object",
    "required": ["detail", "requestId"],
    "properties": {"detail": {"type": "string"}, "requestId": {"type": "string"}},
}
_FIELD_ERRORS = {
    "type": "object",
    "description": "What is wrong, by field, nested like the body; of the whole body, under `nonFieldErrors`.",
    "additionalProperties": {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"$ref": "#/components/schemas/FieldErrors"},
            {"type": "array", "items": {"$ref": "#/components/schemas/FieldErrors"}},
        ]
    },
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    operations = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kelviq Server API",
            "version": version,
            "description": "Billing for software: customers and those who provision them. Wire-compatible "
            "with the Kelviq API: the official SDKs work against this server by changing the base URL alone.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearerAuth": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A server key (`sk_...`); where said so, a client key (`ck_...`).",
                },
                "partnerKeyAuth": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Kelviq-Partner-Key",
                    "description": "A partner key (`kvqp_...`).",
                },
            },
            "schemas": {
                **_schemas(operations),
                "DetailErrorResponse": _DETAIL,
                "ErrorResponse": _ERROR,
                "FieldErrors": _FIELD_ERRORS,
                "ServerErrorResponse": _SERVER_ERROR,
            },
        },
    }


def _schemas(operations: list[Operation]) -> dict[str, Any]:
    models = {
        model: None
        for operation in operations
        for model in (operation.body, operation.answer, *(other.answer for other in operation.also.values()))
        if model is not None and issubclass(model, BaseModel)
    }
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {name: _tidy(definition) for name, definition in schema.get("$defs", {}).items()}


def _tidy(schema: Any) -> Any:
    """Leave out what tells a reader nothing: generated titles, and defaults that only mean "not sent"."""
    if isinstance(schema, dict):
        parts = cast("dict[str, Any]", schema)
        return {name: _tidy(part) for name, part in parts.items() if not _says_nothing(name, part)}
    if isinstance(schema, list):
        return [_tidy(part) for part in cast("list[Any]", schema)]
    return schema


def _says_nothing(name: str, part: Any) -> bool:
    # A property may be called "title" too; then its part is a schema, not a text.
    return (name == "title" and isinstance(part, str)) or (name == "default" and part is None)


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": _SECURITY[operation.access],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.is_body_required,
            "content": _json(_ref(operation.body.__name__)),
        }
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": dict(operation.path_schemas.get(name, {"type": "string"})),
        }
        for name in names
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.is_required,
            "description": parameter.description,
            "schema": dict(parameter.schema),
        }
        for parameter in operation.parameters
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    if not operation.takes_idempotency_key and not operation.has_own_keys:
        return []
    kept = "for ever." if operation.has_own_keys else "for 7 days, with `Idempotent-Replayed: true`."
    return [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "A name of your choice for this request, new for each, so that it can be sent again: it is "
            f"carried out once, and its first answer is given again {kept}",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_KEY_CHARACTERS,
                "pattern": "^[!-~]([ -~]*[!-~])?$",
            },
        }
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    refusals: list[type[Refusal]] = [*operation.refuses, *_EVERY]
    if operation.access is not Access.PUBLIC:
        refusals += _WITH_KEY
    if operation.access is Access.SERVER:
        refusals.append(Forbidden)
    if operation.body is not None:
        refusals += _WITH_BODY
    if operation.takes_idempotency_key:
        refusals += _WITH_IDEMPOTENCY_KEY
    responses: dict[str, Any] = {str(operation.status): _success(operation)}
    for status, other in operation.also.items():
        answered = _success(replace(operation, answer=other.answer or operation.answer))
        responses[str(status)] = {**answered, "description": other.meaning}
    if operation.has_tag:
        responses["304"] = {"description": "It is still what `If-None-Match` names.", "headers": dict(_REQUEST_ID)}
    for status in sorted({refusal.status for refusal in refusals}):
        facts = [refusal for refusal in refusals if refusal.status == status]
        responses[str(status)] = _refusal(operation, facts)
    responses["500"] = {
        "description": "Internal server error.",
        "headers": _REQUEST_ID,
        "content": _json(_ref("ServerErrorResponse")),
    }
    return responses


_REQUEST_ID = {
    "X-Request-Id": {
        "schema": {"type": "string"},
        "required": True,
        "description": "Names this request in logs and errors.",
    }
}


def _success(operation: Operation) -> dict[str, Any]:
    response: dict[str, Any] = {"description": operation.summary, "headers": dict(_REQUEST_ID)}
    if operation.status == 302:
        response["headers"]["Location"] = {
            "schema": {"type": "string", "format": "uri"},
            "required": True,
            "description": "Where it is.",
        }
    if operation.answer is not None:
        response["content"] = _json(_ref(operation.answer.__name__))
    return response


def _refusal(operation: Operation, facts: list[type[Refusal]]) -> dict[str, Any]:
    by_field = [fact for fact in facts if fact.field is not None or issubclass(fact, InvalidFields)]
    whole = [fact for fact in facts if fact not in by_field]
    has_own_key = operation.refusal_key == "error" and facts[0].status in (400, 403, 404)
    # What any operation may say has one shape everywhere.
    own = [fact for fact in whole if has_own_key and not issubclass(fact, (NotFound, Forbidden))]
    # A body that is no JSON is told of like that, too.
    has_malformed = facts[0].status == 400 and operation.body is not None
    shapes = ["DetailErrorResponse"] if len(own) < len(whole) or (has_own_key and has_malformed) else []
    if own or (has_own_key and facts[0].status == 400):
        shapes.append("ErrorResponse")
    if by_field or has_malformed:
        shapes.append("FieldErrors")
    schema = _ref(shapes[0]) if len(shapes) == 1 else {"anyOf": [_ref(shape) for shape in shapes]}
    texts = list(dict.fromkeys(fact().text for fact in facts))
    response: dict[str, Any] = {
        "description": " ".join(texts),
        "headers": dict(_REQUEST_ID),
        "content": _json(schema),
    }
    if facts[0].status == 401:
        response["headers"]["WWW-Authenticate"] = {"schema": {"type": "string"}, "required": True}
    if facts[0].status in (409, 429, 503):
        response["headers"]["Retry-After"] = {
            "schema": {"type": "integer"},
            "required": facts[0].status != 409,
            "description": "Seconds to wait.",
        }
    return response


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
