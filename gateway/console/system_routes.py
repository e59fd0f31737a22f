"""The site's names, and the health of links, processes and list."""

from typing import Any

from fastapi import APIRouter

from gateway.console.desk import AnyDesk, SignedIn

router = APIRouter()


@router.get("/api/site")
async def site(desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """Names of what there is, in every language."""
    names = desk.parts.site
    return {
        "id": names.id,
        "zone": names.zone,
        "name": dict(names.name),
        "doors": {key: dict(value) for key, value in names.doors.items()},
        "cameras": {key: dict(value) for key, value in names.cameras.items()},
        "inputs": {key: dict(value) for key, value in names.inputs.items()},
        "devices": {key: dict(value) for key, value in names.devices.items()},
        "camera_doors": {key: list(value) for key, value in names.camera_doors.items()},
        "post": desk.parts.post,
    }


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
