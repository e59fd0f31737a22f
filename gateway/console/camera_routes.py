"""Cameras: which there are, live pictures, and evidence that the journal names."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

from gateway.console.desk import AnyDesk, SignedIn, desk_of
from gateway.console.live_routes import watcher_of
from gateway.console.refusals import Refusal

router = APIRouter()

_MAX_FRAME = 2 * 1024 * 1024
"""The worker sends no larger JPEG."""
_MAX_FPS = 10
_SEND_S = 5.0
"""A page that can't take one picture in this time is closed."""
_SILENT_S = 10.0
_MEDIA = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}


@router.get("/api/cameras")
async def cameras(desk: AnyDesk, _session: SignedIn) -> dict[str, Any]:
    """Each camera with its name, its doors, and how it is now (not recorded)."""
    values = desk.feed.status.get("processes", {}).get("cameras", {}) if desk.feed.live else {}
    listed = []
    for camera, names in desk.parts.site.cameras.items():
        prefix = f"{camera}."
        now = {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}
        doors = list(desk.parts.site.camera_doors.get(camera, ()))
        listed.append({"id": camera, "name": dict(names), "doors": doors, "now": {"recorded": False, **now}})
    return {"cameras": listed}


@router.get("/api/evidence/{event_id}")
async def evidence(event_id: str, desk: AnyDesk, session: SignedIn) -> FileResponse:
    """The file of an EvidenceStored event, with ranges. Only what the journal names can be asked for."""
    found = await desk.journal.ask(lambda journal: journal.event(event_id))
    if found is None or found.type != "EvidenceStored" or not desk.may_read(found, session):
        raise Refusal(404, "evidence_not_found")
    path = await asyncio.to_thread(_inside, desk.parts.data_dir, str(found.body.get("path", "")))
    if path is None:
        raise Refusal(404, "evidence_not_found")
    return FileResponse(path, media_type=_MEDIA[path.suffix.lower()], content_disposition_type="inline")


@router.websocket("/ws/camera/{camera}")
async def live_picture(socket: WebSocket, camera: str) -> None:
    """Live JPEG pictures as binary messages; the newest one wins."""
    desk = desk_of(socket)
    if await watcher_of(socket) is None:
        await socket.close(4401)
        return
    await socket.accept()
    if camera not in desk.parts.site.cameras:
        await socket.close(4404)
        return
    try:
        reader, writer = await asyncio.open_unix_connection(desk.parts.cameras_socket)
    except OSError:
        await socket.close(4503)
        return
    try:
        writer.write(json.dumps({"camera": camera, "max_fps": _MAX_FPS}).encode() + b"\n")
        await _show(socket, reader)
    finally:
        writer.close()


async def _show(socket: WebSocket, reader: asyncio.StreamReader) -> None:
    newest: asyncio.Queue[bytes] = asyncio.Queue(1)

    async def take() -> None:
        while (frame := await _frame(reader)) is not None:
            with contextlib.suppress(asyncio.QueueEmpty):
                newest.get_nowait()
            newest.put_nowait(frame)

    async def show() -> None:
        while True:
            frame = await newest.get()
            async with asyncio.timeout(_SEND_S):
                await socket.send_bytes(frame)

    async def until_closed() -> None:
        while (await socket.receive())["type"] != "websocket.disconnect":
            continue

    tasks = [asyncio.create_task(work()) for work in (take, show, until_closed)]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if tasks[2] not in done:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(4503)


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next picture; None when the worker has ended it, is silent, or says something else."""
    try:
        async with asyncio.timeout(_SILENT_S):
            length = int.from_bytes(await reader.readexactly(4), "big")
            if not 0 < length <= _MAX_FRAME:
                return None
            return await reader.readexactly(length)
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        return None


def _inside(data_dir: Path, named: str) -> Path | None:
    """The file, if it is one of ours inside `evidence/`: no way out by dots, absolute paths or links."""
    folder = (data_dir / "evidence").resolve()
    if not named or "\0" in named:
        return None
    path = (data_dir / named).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() not in _MEDIA or not path.is_file():
        return None
    return path
