"""Whether what people put is sound: judged by the code that the gateway judges it by (decision 0018). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import ListInvalid
from gateway.store.list_document import parse_list

_SET_BY_US = {"version": 1, "issued_at": "2000-01-01T00:00:00Z"}
"""Whatever stands there in a list that is put, the office sets its own."""


GIVEN_BACK_NAMED = 20
"""Of the credentials that a list would give back: what an error's 2,000 characters hold, at 64 each."""


class Unsound(Exception):
    """What no gateway would take; `faults` holds one line each, with its path."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults[:20]))


class GivesBack(Exception):
    """A whole list would have revoked credentials pass again; `credentials` are their ids."""

    def __init__(self, credentials: Sequence[str]) -> None:
        self.credentials = tuple(credentials)
        named = ", ".join(self.credentials[:GIVEN_BACK_NAMED])
        more = len(self.credentials) - GIVEN_BACK_NAMED
        super().__init__(
            f"this list would give back {len(self.credentials)} revoked credentials: {named}"
            + (f" and {more} more" if more > 0 else "")
            + "; is it an older one? Nothing has changed. What to do: GET the list and change that one;"
            " or, if they are to pass again, PUT it with ?give_back=true"
        )


def judge_list(document: object, site: str, *, keep: bool = False) -> dict[str, Any]:
    """The list itself, if it is a sound one of this site; `keep`: by its own version and time, where it has them.

    Raises Unsound.
    """
    if not isinstance(document, dict):
        raise Unsound(("$: must be object",))
    faults = [] if document.get("site") == site else [f"$.site: must be {site!r}"]
    faults += _faults({**_SET_BY_US, **document} if keep else {**document, **_SET_BY_US})
    if faults:
        raise Unsound(faults)
    return document


def entry_faults(part: str, items: list[Any], levels: Iterable[str], cardholders: Iterable[str]) -> Sequence[str]:
    """What is wrong with cardholders or credentials of a list that has these levels and cardholders."""
    around = {
        "schema": 1,
        "site": "site",
        "zone": "UTC",
        "schedules": [],
        "access_points": [],
        "levels": [{"id": level, "grants": []} for level in levels],
        "cardholders": [{"id": id_} for id_ in cardholders],
        "credentials": [],
    }
    return _faults({**around, **_SET_BY_US, part: items})


def pass_key_faults(rules: Mapping[str, msgspec.Raw], cardholder: str) -> Sequence[str]:
    """Where the rules name a cardholder who is to be taken out."""
    keys = msgspec.json.decode(rules.get("pass_keys", b"[]"))
    return [
        f"$.pass_keys[{index}].cardholder: would name nobody: first PUT a list without it"
        for index, key in enumerate(keys)
        if key.get("cardholder") == cardholder
    ]


def named_levels(items: list[Any]) -> set[str]:
    """The levels that cardholders hold, as far as they can be read."""
    held = (item.get("levels") for item in items if isinstance(item, dict))
    each = (level for levels in held if isinstance(levels, list) for level in levels if isinstance(level, dict))
    return {level["level"] for level in each if isinstance(level.get("level"), str)}


def named_cardholders(items: list[Any]) -> set[str]:
    """The cardholders that credentials belong to, as far as they can be read."""
    holders = (item.get("cardholder") for item in items if isinstance(item, dict))
    return {holder for holder in holders if isinstance(holder, str)}


def inactive(items: list[Any]) -> set[str]:
    """The credentials that are not active, as far as they can be read."""
    found = (item.get("id") for item in items if isinstance(item, dict) and item.get("state", "active") != "active")
    return {id_ for id_ in found if isinstance(id_, str)}


def is_active(credential: Mapping[str, Any]) -> bool:
    """Whether a sound credential may pass by its state."""
    return bool(credential.get("state", "active") == "active")


def card_of(item: Mapping[str, Any]) -> tuple[object, ...]:
    """What a credential is known by at a reader."""
    return item.get("key"), item.get("format"), item.get("facility_code"), item.get("number")


def _faults(document: dict[str, Any]) -> Sequence[str]:
    try:
        parse_list(msgspec.json.encode(document))
    except ListInvalid as error:
        return error.faults
    return ()
