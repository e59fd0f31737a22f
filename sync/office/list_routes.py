"""A site's list over HTTP: what gateways fetch of it, and what people at the office, and their programs, change."""

import asyncio
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from sync import list_wire as lw
from sync import wire
from sync.office import shown
from sync.office.description import ENTRIES, Refusals, described, described_call
from sync.office.desk import Desk
from sync.office.entries import LONG_PARTS
from sync.office.ledger import Ledger
from sync.office.listing import Listings, OtherManifest, TooFew, read_document
from sync.office.lists import GivesBack, Unsound, inactive, judge_list
from sync.office.refused_lists import is_count
from sync.office.requests import At, Wait, answer, decode, read_body, read_record, refuse

_OVER = "The time is over and nothing is news"
_UNSOUND: Refusals = {400: ("unsound",)}
_NOT_PUT: Refusals = {**_UNSOUND, 404: ("unknown_site",), 409: ("gives_back",)}
_NO_LIST: Refusals = {404: ("unknown_list",)}
_NO_ENTRY: Refusals = {404: ("unknown_list", "unknown_entry")}
_NOT_NEWEST: Refusals = {404: ("not_newest",)}
Part = Annotated[str, Path(json_schema_extra={"enum": list(LONG_PARTS)})]
GiveBack = Annotated[bool, Query(description="Credentials that were revoked may pass again by this list")]
NewSite = Annotated[bool, Query(description="The office gets this site, if it has not got it yet")]
_NUMBER = "([0-9]{1,3}|10[01][0-9]|102[0-3])"
Numbers = Annotated[str, Path(json_schema_extra={"pattern": f"^{_NUMBER}(,{_NUMBER}){{0,63}}$"})]
"""Judged by hand, so that what is wrong is told in the protocol's words."""


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credentials that are to be refused at once."""

    credentials: Annotated[list[lw.EntryId], msgspec.Meta(min_length=1, max_length=lw.REVOKED)]
    state: Literal["suspended", "lost"] = "lost"


def gateway_lists(desk: Desk) -> APIRouter:
    """What gateways call."""
    routes = APIRouter(prefix="/v1/sites/{site}")

    @routes.get(
        "/list/manifest",
        **described_call("Waits for a list that is news", lw.Manifest, nothing=_OVER),
    )
    async def manifest(
        site: str,
        after: At = 0,
        generation: At = 0,
        keys: At = lw.NO_NEWS,
        signatures: At = lw.NO_NEWS,
        wait: Wait = wire.WAIT_S,
    ) -> Response:
        at = (generation, after)
        found = await desk.wait_for(site, lambda ledger: ledger.lists.manifest(site, at, keys, signatures), wait)
        return Response(status_code=204) if found is None else answer(found)

    @routes.get(
        "/list/revocations",
        **described_call("Waits for revocations", lw.Revocations, nothing=_OVER),
    )
    async def revocations(site: str, after: At = 0, wait: Wait = wire.WAIT_S) -> Response:
        found = await desk.wait_for(site, lambda ledger: ledger.lists.revocations(site, after), wait)
        return Response(status_code=204) if found is None else answer(found)

    @routes.get("/keys", **described_call("The keys that sign", lw.KeySet, refuses={404: ("unsigned",)}))
    async def keys(site: str) -> Response:
        if desk.signer.keys is None:
            raise refuse(404, "unsigned", "this office signs nothing")
        return answer(desk.signer.keys)

    @routes.get("/list/{version}", **described_call("The whole newest list", shown.AccessList, refuses=_NO_LIST))
    async def whole(site: str, version: int) -> Response:
        return await _whole(desk, site, version)

    @routes.get(
        "/list/{version}/changes",
        **described_call("What is different since a version", lw.Changes, refuses={404: ("too_old",)}),
    )
    async def changes(site: str, version: int, since: At) -> Response:
        found = await desk.do(lambda ledger: ledger.lists.changes(site, version, since))
        return _or_gone(found, "too_old", f"the changes from {since} to {version} are not known any more")

    @routes.get("/list/{version}/digests", **described_call("All buckets' digests", lw.Digests, refuses=_NOT_NEWEST))
    async def digests(site: str, version: int) -> Response:
        found = await desk.do(lambda ledger: ledger.lists.digests(site, version))
        return _or_gone(found, "not_newest", f"list {version} is not the newest")

    @routes.get(
        "/list/{version}/buckets/{numbers}",
        **described_call("All that lies in some buckets", lw.Buckets, refuses=_NOT_NEWEST),
    )
    async def buckets(site: str, version: int, numbers: Numbers) -> Response:
        texts = numbers.split(",")
        wanted = [int(text) for text in texts if text.isascii() and text.isdigit() and int(text) < lw.BUCKETS]
        if len(wanted) != len(texts) or len(texts) > lw.BUCKETS_ASKED:
            raise refuse(400, "invalid", f"at most {lw.BUCKETS_ASKED} numbers below {lw.BUCKETS}, with commas")
        found = await desk.do(lambda ledger: ledger.lists.buckets(site, version, wanted))
        return _or_gone(found, "not_newest", f"list {version} is not the newest")

    return routes


def admin_lists(desk: Desk) -> APIRouter:
    """What people at the office call."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.get("/list", **described("The whole list", shown.AccessList, refuses=_NO_LIST))
    async def get_list(site: str) -> Response:
        return await _whole(desk, site, None)

    @routes.put(
        "/list",
        **described("Puts a whole list", shown.Changed, takes=shown.GivenList, most=wire.LIST_BYTES, refuses=_NOT_PUT),
    )
    async def put_list(site: str, request: Request, give_back: GiveBack = False, new_site: NewSite = False) -> Response:
        body = await read_body(request, wire.LIST_BYTES)
        decode(msgspec.json.encode(site), wire.Site)
        if not new_site and not await desk.do(lambda ledger: ledger.knows(site)):
            # By a slip of the pen there would be a site, and the first box that calls would be its device.
            raise refuse(404, "unknown_site", f"there is no site {site!r} here: PUT with ?new_site=true makes it one")
        # Beside the ledger's thread: a large list must not hold up whoever wants a small thing.
        document = await asyncio.to_thread(_judged, body, site)
        return await _changed(
            desk,
            site,
            lambda lists, seen: lists.put(site, document, seen, give_back=give_back),
            said=document.get("version"),
        )

    @routes.get("/list/signing", **described("The newest manifest, to be signed", lw.Manifest, refuses=_NO_LIST))
    async def signing(site: str) -> Response:
        found = await desk.do(lambda ledger: ledger.lists.manifest(site, (-1, -1)))
        return _or_gone(found, "unknown_list", f"{site!r} has no list yet")

    @routes.post(
        "/list/signing",
        **described(
            "A person's signature of the newest manifest",
            lw.Manifest,
            takes=lw.Signature,
            refuses={**_NO_LIST, 409: ("other_manifest",)},
        ),
    )
    async def countersign(site: str, request: Request) -> Response:
        signature = await read_record(request, lw.Signature)
        signed = await desk.do(
            lambda ledger: ledger.change_list(
                site, lambda lists, _: _or_refused(lambda: lists.countersign(site, signature))
            )
        )
        desk.wake()
        return answer(signed)

    @routes.post("/list/generation", **described("Begins a generation", shown.Changed, refuses=_NO_LIST))
    async def begin_generation(site: str) -> Response:
        above = await desk.do(lambda ledger: ledger.generation_shown(site))
        return await _changed(desk, site, lambda lists, seen: lists.begin_generation(site, seen, above))

    return routes


def admin_entries(desk: Desk) -> APIRouter:
    """What changes a few entries. Behind `admin_lists`: a part's name could be anything."""
    routes = APIRouter(prefix="/admin/v1/sites/{site}")

    @routes.post(
        "/revocations",
        **described("Credentials are refused at once", shown.Changed, takes=Revoke, refuses=_NO_ENTRY),
    )
    async def revoke(site: str, request: Request) -> Response:
        given = await read_record(request, Revoke)
        ids, state = given.credentials, given.state
        return await _changed(desk, site, lambda lists, seen: lists.revoke(site, ids, state, seen), revoked=ids)

    @routes.post(
        "/{part}",
        **described(
            "Puts entries in", shown.Changed, takes=ENTRIES, refuses={404: ("unknown_part", "unknown_list"), **_UNSOUND}
        ),
    )
    async def put_entries(site: str, part: Part, request: Request) -> Response:
        _editable(part)
        given = decode(await read_body(request, wire.REQUEST_BYTES), Any)
        items = given if isinstance(given, list) else [given]
        revoked = inactive(items) if part == "credentials" else ()
        return await _changed(
            desk, site, lambda lists, seen: lists.put_entries(site, part, items, seen), revoked=revoked
        )

    @routes.delete(
        "/{part}/{id_}",
        **described(
            "Takes an entry out",
            shown.Changed,
            refuses={404: ("unknown_part", "unknown_list", "unknown_entry"), **_UNSOUND},
        ),
    )
    async def delete_entry(site: str, part: Part, id_: str) -> Response:
        _editable(part)
        revoked = (id_,) if part == "credentials" else ()
        return await _changed(desk, site, lambda lists, seen: lists.remove(site, part, id_, seen), revoked=revoked)

    return routes


async def _whole(desk: Desk, site: str, version: int | None) -> Response:
    """Read beside the ledger's thread: a large list must not hold up whoever wants a small thing."""
    raw = await asyncio.to_thread(read_document, desk.path, site, version)
    if raw is None:
        raise refuse(404, "unknown_list", f"there is no such list for {site!r}")
    return Response(raw, media_type="application/json")


async def _changed(
    desk: Desk,
    site: str,
    change: Callable[[Listings, int], int],
    *,
    revoked: Collection[str] = (),
    said: object = None,
) -> Response:
    """`said`: what the list that was put says of its own version."""

    def do(ledger: Ledger) -> shown.Changed:
        stays_good, before = ledger.revocation_hint(site, revoked), ledger.list_version(site)
        version = ledger.change_list(site, lambda lists, seen: _or_refused(lambda: change(lists, seen)))
        hints = [hint for hint in (stays_good, ledger.list_hint(site), _numbered(said, before, version)) if hint]
        return shown.Changed(version, "; ".join(hints) or msgspec.UNSET)

    changed = await desk.do(do)
    desk.wake()
    return answer(changed)


def _numbered(said: object, before: int, version: int) -> str | None:
    """In words, where the file's own version is neither that of the list before nor the one that it got."""
    if not is_count(said) or said in (before, version):
        return None
    told = f"the office gives the numbers: this list is {version}, not {said} as the file says"
    if said > before:
        return told
    return f"{told}; the one before was {before}: if the file was made from an older, what was changed since is undone"


def _judged(body: bytes, site: str) -> dict[str, Any]:
    return _or_refused(lambda: judge_list(decode(body, Any), site))  # type: ignore[no-any-return]


def _or_refused(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Unsound as error:
        raise refuse(400, "unsound", str(error), error.faults) from error
    except GivesBack as error:
        raise refuse(409, "gives_back", str(error)) from error
    except OtherManifest as error:
        raise refuse(409, "other_manifest", str(error)) from error
    except TooFew as error:
        raise refuse(404, error.code, str(error)) from error


def _or_gone(found: object | None, code: str, text: str) -> Response:
    if found is None:
        raise refuse(404, code, text)
    return answer(found)


def _editable(part: str) -> None:
    if part not in LONG_PARTS:
        raise refuse(404, "unknown_part", "cardholders and credentials are edited one by one; the rest with PUT list")
