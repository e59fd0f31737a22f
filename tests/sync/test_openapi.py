"""docs/openapi.json is what the office does: generated, valid, held to real exchanges, and tried with any input."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import msgspec
import openapi_spec_validator
import pytest

from gateway.clock import SystemClock
from gateway.domain.events import AccessRequested
from gateway.errors import AuthenticationFailed
from sync import list_wire as lw
from sync import wire
from sync.device_key import DeviceKey
from sync.office_client import After, OfficeClient
from sync.uplink import wire_event
from tests.sync.any_request import ask_anything
from tests.sync.between import Exchange
from tests.sync.site import ADMIN_TOKEN, KEY, SITE, TOKEN, signed_by
from tests.sync.test_downlink import Signed, signed_site

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_bytes())


def test_the_document_is_what_the_code_says() -> None:
    said = subprocess.run([sys.executable, "-m", "sync.office.description"], capture_output=True, check=True)
    assert json.loads(said.stdout) == DOCUMENT, "python -m sync.office.description > docs/openapi.json"


def test_every_code_that_the_office_can_answer_stands_on_the_protocols_page() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    refused = [text for path in (ROOT / "sync" / "office").glob("*.py") if (text := path.read_text(encoding="utf-8"))]
    codes = set(re.findall(r'(?:refuse\(\d+, |Refusal\()"([a-z_]+)"', "\n".join(refused)))
    enums = re.findall(r'"code": \{"enum": (\[[^\]]*\])', json.dumps(DOCUMENT))
    codes |= {code for each in enums for code in json.loads(each)}
    assert {"gone", "http", "too_large", "unknown_site", "not_newest"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_the_document_is_valid_openapi() -> None:
    openapi_spec_validator.validate(DOCUMENT)


async def test_every_operation_takes_and_answers_what_the_document_says_and_nothing_else(tmp_path: Path) -> None:
    async with signed_site(tmp_path) as site:
        await _exchange_everything(site)
        operations = {operation["operationId"]: operation for _, _, operation in _operations()}
        done = set()
        for exchange in site.line.exchanges:
            name = _operation_of(exchange)
            _hold(exchange, operations[name])
            done |= {name} if exchange.status == 200 else set()
        assert done == operations.keys()


def test_an_answer_that_the_document_does_not_know_is_noticed() -> None:
    operation = next(each for _, _, each in _operations() if each["operationId"] == "gateway_challenge")
    path = f"/v1/sites/{SITE}/challenge"
    headers = {name.lower(): value for name, value in signed_by(KEY, path, "0" * 32).items()}
    for answer in (b"{}", b'{"challenge": 7}', b'{"challenge": "%s", "more": 1}' % (b"0" * 32)):
        with_fault = Exchange("POST", path, headers, b"", 200, answer)
        with pytest.raises(jsonschema.ValidationError):
            _hold(with_fault, operation)


@pytest.mark.alone
async def test_no_request_whatever_it_is_gets_an_answer_that_the_document_does_not_know(tmp_path: Path) -> None:
    assert await ask_anything(tmp_path, examples=2, seed=1) == ""


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation_of(exchange: Exchange) -> str:
    """The operation whose path has the least that may be anything."""
    path = exchange.path.partition("?")[0]
    fitting = [
        (template.count("{"), operation["operationId"])
        for method, template, operation in _operations()
        if method == exchange.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    return str(min(fitting)[1])


def _hold(exchange: Exchange, operation: dict[str, Any]) -> None:
    """Raises ValidationError where body or answer is not what the document says."""
    signed = [each["name"].lower() for each in operation.get("parameters", ()) if each["in"] == "header"]
    assert not signed or exchange.status != 200 or all(name in exchange.headers for name in signed)
    if "requestBody" in operation and exchange.status == 200:
        _validate(exchange.body, operation["requestBody"])
    response = operation["responses"][str(exchange.status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    if exchange.status == 204:
        assert (exchange.answer, "content" in response) == (b"", False)
    else:
        _validate(exchange.answer, response)


def _validate(body: bytes, content: dict[str, Any]) -> None:
    schema = {**content["content"]["application/json"]["schema"], "components": _closed()}
    jsonschema.Draft202012Validator(schema).validate(json.loads(body))


def _closed() -> dict[str, Any]:
    """The components, where an object has the members that are named and no others."""
    schemas = {
        name: schema | {"additionalProperties": False} if "properties" in schema else schema
        for name, schema in DOCUMENT["components"]["schemas"].items()
    }
    return {"schemas": schemas}


async def _exchange_everything(site: Signed) -> None:
    """A gateway's day, then what it needs seldom, then all that people do."""
    gate, line, office = site.gate, site.line, site.office
    asked = AccessRequested(
        request="r-1",
        access_point="north",
        door="north",
        reader="n",
        wants="confirmation",
        credential="c-1",
        cardholder="p-1",
        list_version=1,
        trace=(),
    )
    assert await gate.journal.append([asked], gate.clock.now()).wait(10)
    await gate.record(3)
    await office.has(4)
    await site.in_force(await site.change())
    rows = gate.reader.after(0, 10)
    await gate.stop()

    async def admin(method: str, path: str, body: Any = None) -> Any:
        path = f"/{SITE}/{path}" if path else ""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            answer = await http.request(method, f"{line.url}/admin/v1/sites{path}", json=body, headers=headers)
            assert answer.status_code == 200, (path, answer.text)
            return answer.json()

    waiting = (await admin("GET", "waiting"))["waiting"][0]
    ends = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    given = {"answer_id": "answer-1", "event_id": waiting["event_id"], "allow": True, "by": "Lin", "expires_at": ends}
    await admin("POST", "answers", given)
    assert (await admin("GET", "waiting"))["waiting"][0]["answer"]["by"] == "Lin"
    manifest = await admin("GET", "list/signing")
    signature = site.keys.signature(msgspec.convert(manifest, lw.Manifest))
    await admin("POST", "list/signing", msgspec.to_builtins(signature))
    client = OfficeClient(line.url, SITE, TOKEN, gate.key, SystemClock())
    version = manifest["version"]
    assert await client.answers(0, 0)
    assert await client.digests(version)
    assert await client.buckets(version, [0, 1023])
    assert await client.hash_at(rows[0].epoch, 1)
    assert await client.manifest(After(9, 9), 0) is None, "204"
    challenge = (await client.challenge()).challenge
    welcome = await client.hello(wire.Hello(1, "test", "boot", gate.key.public, challenge, (), 0))
    assert isinstance(welcome, wire.Welcome)
    events = (wire_event(rows[0]),)
    assert await client.send_copies(wire.Copies(welcome.session, rows[0].epoch, events)) == wire.Kept(0)
    last = rows[-1]
    gap = wire.Gap(welcome.session, last.epoch, last.seq, last.seq, last.hash, None)
    assert isinstance(await client.tell_gap(gap), wire.Receipt)
    refused = await client.send(wire.Batch("0" * 32, last.epoch, events))
    assert isinstance(refused, wire.Refusal)
    assert await client.revocations(0, 0) is None
    whole = await admin("GET", "list")
    await admin("PUT", "list", whole)
    await admin("GET", "")
    await admin("POST", "cardholders", [{"id": "p-90"}, {"id": "p-91"}])
    await admin("POST", "revocations", {"credentials": ["c-2"], "state": "suspended"})
    await admin("DELETE", "cardholders/p-90")
    await admin("POST", "list/generation")
    assert await client.revocations(0, 0)
    await client.close()
    await admin("GET", "events?after=0&limit=2")
    await admin("GET", f"epochs/{last.epoch}/events")
    stranger = OfficeClient(line.url, SITE, TOKEN, DeviceKey(b"x" * 32), SystemClock())
    other = wire.Hello(1, "test", "boot", stranger.device_key, "0" * 32, (), 0)
    for refused_call in (stranger.challenge(), stranger.hello(other)):
        with pytest.raises(AuthenticationFailed):
            await refused_call
    await stranger.close()
    alarms = (await admin("GET", "summary"))["alarms"]
    await admin("DELETE", f"alarms/{alarms[0]['n']}?by=Lin")
    await admin("PUT", "device-key", {"key": "0" * 64})
    await admin("POST", "box-lost?by=Lin")
    await admin("DELETE", "device-key")
