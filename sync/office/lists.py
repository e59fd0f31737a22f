"""Editing a site's list as a person at the office does: pure. The gateway is the judge of its sense."""

from typing import Any

PARTS = ("schedules", "special_days", "access_points", "areas", "levels", "cardholders", "credentials")
EDITED = ("cardholders", "credentials")


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
    for part in PARTS:
        items = document.get(part, [])
        if not isinstance(items, list):
            faults.append(f"$.{part}: must be a list")
        elif part in EDITED:
            faults += item_faults(items, f"$.{part}")
    return faults[:100]


def item_faults(items: list[Any], path: str) -> list[str]:
    """Entries that can't be edited by id."""
    return [
        f"{path}[{index}]: must be an object with an id"
        for index, item in enumerate(items)
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]
    ]


def upsert(document: dict[str, Any], part: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The list with these entries put in, or in the place of those with the same id."""
    entries = {entry["id"]: entry for entry in document.get(part, [])}
    entries |= {item["id"]: item for item in items}
    return {**document, part: list(entries.values())}


def remove(document: dict[str, Any], part: str, id_: str) -> dict[str, Any] | None:
    """The list without the entry, None where it isn't there. A cardholder's credentials go along."""
    entries = document.get(part, [])
    kept = [entry for entry in entries if entry["id"] != id_]
    if len(kept) == len(entries):
        return None
    document = {**document, part: kept}
    if part == "cardholders":
        credentials = document.get("credentials", [])
        document["credentials"] = [entry for entry in credentials if entry.get("cardholder") != id_]
    return document
