"""The site's names, and the health of links, processes and list."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from gateway.console.desk import AnyDesk, SignedIn
from gateway.console.parts import LANGUAGES, Names

router = APIRouter()


@router.get("/api/site")
async def site(desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """Names of what there is, in every language."""
    names = desk.parts.site
    return {
        "id": names.id,
        "zone": names.zone,
        "name": dict(names.name),
        "doors": _named(names.doors),
        "cameras": _named(names.cameras),
        "inputs": _named(names.inputs),
        "sirens": _named(names.outputs),
        "devices": _named(names.devices),
        "access_points": {
            point: {language: names.named(point, language, "access_point") for language in LANGUAGES}
            for point in {**names.point_doors, **names.access_points}
        },
        "door_groups": {
            group: {"name": dict(names.door_groups.get(group, {})), "doors": list(doors)}
            for group, doors in names.group_doors.items()
        },
        "camera_doors": {key: list(value) for key, value in names.camera_doors.items()},
        "lock_devices": dict(names.lock_devices),
        "contact_devices": dict(names.contact_devices),
        "tours": _named(names.tours),
        "post": desk.parts.post,
    }


def _named(things: Mapping[str, Names]) -> dict[str, dict[str, str]]:
    return {key: dict(value) for key, value in things.items()}


@router.get("/api/system")
async def system(desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """Health as last told by the doors process (not recorded), and the console's own."""
    feed, moment = desk.feed, desk.parts.clock.now()
    return {
        "recorded": False,
        "live": feed.live,
        "age_s": round(feed.age_s, 1) if feed.status else None,
        "status": feed.status,
        "journal": {"readable": feed.journal_readable, "row": feed.row, "epoch": feed.epoch},
        "clock": {"wall": moment.wall.isoformat(), "quality": moment.quality.value},
        "pages": feed.pages,
    }
