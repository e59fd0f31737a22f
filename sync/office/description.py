"""The office's HTTP as OpenAPI: said beside each route, gathered here. `python -m sync.office.description` prints it.

docs/openapi.json is what it prints; docs/protocol.md says what the calls mean.
"""

import sys
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.store.list_schema import list_schema
from sync import wire

Described: TypeAlias = dict[str, Any]
"""Arguments of a route's decorator."""
Refusals: TypeAlias = dict[int, tuple[str, ...]]
"""Status -> the codes that come with it."""

_REF = "#/components/schemas/{name}"
_COMPONENTS = "x-components"
"""Under this a route carries the schemas that it names, until they are gathered."""
_ENTRY = {"anyOf": [{"$ref": _REF.format(name=name)} for name in ("Cardholder", "Credential")]}
ENTRIES: dict[str, Any] = {"anyOf": [*_ENTRY["anyOf"], {"type": "array", "items": _ENTRY}]}
"""Taken where one entry or several are put."""
_SIGNED = {
    "name": wire.SIGNATURE,
    "in": "header",
    "required": True,
    "description": "Ed25519 by the device's key over the call and this body's SHA-256: Signatures, in docs/protocol.md",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{128}$"},
}
_DEVICE = {
    "name": wire.DEVICE,
    "in": "header",
    "required": True,
    "description": "The public key of the device that has signed the call",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_NONCE = {
    "name": wire.NONCE,
    "in": "header",
    "required": False,
    "description": "The newest that any answer of the office brought; the call is signed with it, or with none",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32,128}$"},
}
_BRINGS = {wire.NONCE: {"description": "What to sign the next call with", "schema": _NONCE["schema"]}}
EVERYWHERE: Refusals = {400: ("invalid",), 401: ("unauthorized",), 503: ("ledger",)}
"""What any call may be answered."""
UNKNOWN_SITE: Refusals = {404: ("unknown_site",)}
_BY_DEVICE: Refusals = {403: ("bad_signature", "other_device", "lost_device"), 409: ("stale_nonce",), **UNKNOWN_SITE}
_BODY: Refusals = {400: ("invalid", "gone"), 408: ("too_slow",), 413: ("too_large",)}
_MEANING = {
    400: "It makes no sense",
    401: "The bearer token is missing or wrong",
    403: "It is not signed by the site's device",
    404: "There is no such thing here",
    408: "The body did not come in time",
    409: "It contradicts what the office knows",
    413: "The body is too large",
    503: "The office can't do it just now: again later",
}


def described(
    summary: str,
    answers: Any,
    *,
    takes: Any = None,
    most: int = wire.REQUEST_BYTES,
    signed: bool = False,
    nothing: str = "",
    refuses: Refusals | None = None,
) -> Described:
    """What a route takes and answers. `most`: bytes of its body; `nothing`: when it answers 204."""
    kinds = [answers] if takes is None or takes is ENTRIES else [answers, takes]
    (answered, *taken), components = msgspec.json.schema_components(kinds, ref_template=_REF)
    taken += [ENTRIES] if takes is ENTRIES else []
    responses: dict[int | str, Any] = {200: {"description": "Done", "content": _json(answered)}}
    if nothing:
        responses[204] = {"description": nothing}
    responses |= _refusals(refuses or {}, {} if takes is None else _BODY)
    extra: dict[str, Any] = {_COMPONENTS: components}
    if taken:
        words = f"At most {most} bytes of JSON in UTF-8."
        extra["requestBody"] = {"required": True, "description": words, "content": _json(taken[0])}
    if signed:
        extra["parameters"] = [_SIGNED]
    return {"summary": summary, "responses": responses, "openapi_extra": extra}


def described_call(summary: str, answers: Any, *, nothing: str = "", refuses: Refusals | None = None) -> Described:
    """As `described`, of a gateway's call that has no body and is signed by the device's key."""
    codes = {status: (*_BY_DEVICE.get(status, ()), *names) for status, names in (refuses or {}).items()}
    said = described(summary, answers, nothing=nothing, refuses=_BY_DEVICE | codes)
    said["openapi_extra"]["parameters"] = [_DEVICE, _NONCE, _SIGNED]
    for status in {200, 204, 409} & said["responses"].keys():
        said["responses"][status]["headers"] = _BRINGS
    return said


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The whole description of an office's application."""
    document = get_openapi(
        title="Gatehouse office",
        version=str(wire.PROTOCOL),
        summary="What a gateway asks its office for, and how people administer it. docs/protocol.md is the protocol.",
        description=_WORDS,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    schemas = msgspec.json.schema_components([wire.ErrorAnswer], ref_template=_REF)[1] | _list_schemas()
    refusals: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [{"administrator" if path.startswith("/admin/") else "gateway": []}]
            schemas |= {name: schema for name, schema in operation.pop(_COMPONENTS).items() if name not in schemas}
            _gather_refusals(operation["responses"], refusals)
    _say_what_entries_are(schemas)
    components = {"schemas": schemas, "responses": refusals}
    document["components"] = {name: dict(sorted(each.items())) for name, each in components.items()}
    document["components"]["securitySchemes"] = _TOKENS
    plain: dict[str, Any] = _plain(document)
    return plain


_WORDS = """Every error has the body `ErrorAnswer`. A server in front of the office, and the office itself where a
request is no HTTP or 1,000 connections are open, may answer 400, 429, 502, 503 or 504 with any body: `Retry-After` is
obeyed. A reader ignores members that it doesn't know."""
_TOKENS = {
    "gateway": {"type": "http", "scheme": "bearer", "description": "The gateways' token"},
    "administrator": {
        "type": "http",
        "scheme": "bearer",
        "description": "The administrators' own, never the gateways'",
    },
}


def _refusals(*said: Refusals) -> dict[int | str, Any]:
    codes: dict[int, list[str]] = {}
    for refusals in (EVERYWHERE, *said):
        for status, names in refusals.items():
            codes.setdefault(status, []).extend(name for name in names if name not in codes[status])
    return {status: _refusal(status, codes[status]) for status in sorted(codes)}


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    schema = {
        "allOf": [{"$ref": _REF.format(name="ErrorAnswer")}],
        "properties": {"error": {"properties": {"code": {"enum": codes}}}},
    }
    answer = {"description": f"{_MEANING[status]}: `{'`, `'.join(codes)}`", "content": _json(schema)}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string", "enum": ["Bearer"]}}}
    return answer


def _gather_refusals(responses: dict[str, Any], refusals: dict[str, Any]) -> None:
    """Have an operation name its refusals, which many have alike."""
    responses.pop("422", None)  # the framework's own; this office answers 400
    for status in [status for status in responses if status >= "400"]:
        schema = responses[status]["content"]["application/json"]["schema"]
        codes = schema["properties"]["error"]["properties"]["code"]["enum"]
        name = f"{status}.{'.'.join(codes)}"
        refusals[name] = responses[status]
        responses[status] = {"$ref": f"#/components/responses/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _list_schemas() -> dict[str, Any]:
    """LIST.json, and its entries, which travel by themselves as well."""
    whole = {name: value for name, value in list_schema().items() if name != "$schema"}
    parts = {name: whole["properties"][name] for name in ("cardholders", "credentials")}
    entries = {"Cardholder": parts["cardholders"]["items"], "Credential": parts["credentials"]["items"]}
    refs = {
        name: {**part, "items": {"$ref": _REF.format(name=entry)}}
        for entry, (name, part) in zip(entries, parts.items(), strict=True)
    }
    whole["properties"] = {**whole["properties"], **refs}
    given = {**whole, "required": [name for name in whole["required"] if name not in ("version", "issued_at")]}
    given["title"], given["description"] = "A list to be put", "As AccessList; the office sets version and issued_at."
    return {"AccessList": whole, "GivenList": given, **entries}


def _say_what_entries_are(schemas: dict[str, Any]) -> None:
    """An entry is text to the wire records; here it is told what it is."""
    for name in ("Changes", "Buckets"):
        for part, entry in (("cardholders", "Cardholder"), ("credentials", "Credential")):
            schemas[name]["properties"][part]["items"] = {"$ref": _REF.format(name=entry)}


def _plain(value: Any) -> Any:
    """Texts on one line; patterns as JSON Schema has them, where `$` is the end and nothing else."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return " ".join(value.split()) if "\n" in value else value.replace(r"\Z", "$")
    return value


def main() -> int:
    """Print the description of an office that knows nothing."""
    from sync.office.app import create_app
    from sync.office.desk import Desk

    desk = Desk(Path(":memory:"))
    document = openapi_document(create_app(desk, "", ""))
    desk.close()
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
