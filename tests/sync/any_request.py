"""A running office is asked anything that docs/openapi.json allows, and much that it doesn't, by schemathesis."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sync import wire
from tests.sync.site import ADMIN_TOKEN, KEY, SITE, TOKEN, Office, a_list

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
_OFFICE = """
from sync import wire
wire.WAIT_S = 0.02  # what waits for news is over at once
from sync.office import callers, devices, nonces
callers.is_signed = devices.is_signed = lambda *_: True  # what is asked here lies behind the signature
nonces.Nonces.is_fresh = lambda *_: True
from sync.office.__main__ import main
main()
"""
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


async def ask_anything(folder: Path, examples: int, seed: int) -> str:
    """So many requests of each operation; what schemathesis has to say against the answers, "" for nothing."""
    told = json.dumps(_by_one_device(json.loads(DOCUMENT.read_bytes())))
    known = told.replace('"title": "Site"', f'"title": "Site", "enum": ["{SITE}"]')
    (folder / "openapi.json").write_text(known, encoding="utf-8")
    tokens = (("gateway", TOKEN), ("administrator", ADMIN_TOKEN))
    config = "".join(f'[auth.openapi.{who}]\nbearer = "{token}"\n' for who, token in tokens)
    (folder / "schemathesis.toml").write_text(config, encoding="utf-8")
    async with Office(folder / "office", run=("-c", _OFFICE)) as office:
        await office.admin("PUT", "list", a_list())
        command = (sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", office.url)
        # No "coverage": it fills every array past its bound, and a list has room for a million entries.
        bounds = ("--phases", "fuzzing", "--max-examples", str(examples), "--seed", str(seed), "--no-color")
        asked = ("--checks", ",".join(_CHECKS))
        tried = await asyncio.create_subprocess_exec(
            *(*command, *bounds, *asked), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder
        )
        said, _ = await tried.communicate()
    return "" if tried.returncode == 0 else said.decode()


def _by_one_device(document: dict[str, Any]) -> dict[str, Any]:
    """Whatever is asked, the site's own device asks it: another one's calls would end before they begin."""
    key = {"type": "string", "enum": [KEY.public]}
    schemas = document["components"]["schemas"]
    schemas["Hello"]["properties"]["device_key"] = schemas["EnrolledKey"]["properties"]["key"] = key
    for operations in document["paths"].values():
        for parameter in (each for operation in operations.values() for each in operation.get("parameters", ())):
            if parameter["name"] == wire.DEVICE:
                parameter["schema"] = key
    return document
