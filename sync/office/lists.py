"""Editing a site's list as a person at the office does: pure. The gateway is the judge of its sense."""

from typing import Any

PARTS = ("schedules", "special_days", "access_points", "areas", "levels", "cardholders", "credentials")
EDITED = ("cardholders", "credentials")
KNOWN = frozenset((*PARTS, "pass_keys", "schema", "site", "version", "issued_at", "zone"))


def shape_faults(document: object, site: str) -> list[str]:
    """What is wrong at first sight, so that a slip of the hand is told at once."""
    if not isinstance(document, dict):
        return ["$: is no object"]
    faults = []
    if document.get("schema") != 1:
        faults.append("$.schema: must be 1")
    if document.get("site") != site:
        faults.append(f"$.site: must be {site!r}")
    if not isinstance(document.get("zone"), str):
        faults.append("$.zone: must be an IANA time zone, such as Asia/Shanghai")
    unknown = document.keys() - KNOWN
    faults += [f"$.{str(name)[:40]}: unknown key" for name in sorted(map(str, unknown))]
    for part in PARTS:
        items = document.get(part, [])
        if not isinstance(items, list):
            faults.append(f"$.{part}: must be a list")
        elif part in EDITED:
            faults += item_faults(items, f"$.{part}") or _twice(items, f"$.{part}")
    return faults[:100]


def item_faults(items: list[Any], path: str) -> list[str]:
    """Entries that can't be edited by id."""
    return [
        f"{path}[{index}]: must be an object with an id"
        for index, item in enumerate(items)
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]
    ]


def _twice(items: list[dict[str, Any]], path: str) -> list[str]:
    """An id that is there twice: entries are kept by their ids."""
    ids = [item["id"] for item in items]
    return [] if len(set(ids)) == len(ids) else [f"{path}: an id is there twice: {_first_twice(ids)!r}"]


def _first_twice(ids: list[str]) -> str:
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            break
        seen.add(id_)
    return id_
