"""`python -m tests.bench.storage_child KIND SETTINGS FOLDER DO …`: one store in a process of its own.

`speed LONE BURST`: how fast it takes events, as JSON. `read`: everything it gives back, as JSON.
`write FIRST RATE`: events from number FIRST on until stdin ends, each told as `+N` once acknowledged or `-N`.
"""

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.storage_kinds import KINDS, Storage, in_files, shipped_settings

IN_FILES_S = 60.0


def main(kind: str, settings: str, folder: Path, do: str, *numbers: str) -> None:
    """Do one thing with a store."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    given: dict[str, Any] = json.loads(settings)
    before = in_files(folder)
    storage = KINDS[kind](folder, shipped_settings() | given if kind == "thingsboard" else given)
    if do == "speed":
        print(json.dumps(_speed(storage, folder, *map(int, numbers))))
    elif do == "read":
        print(json.dumps(_read(storage) | {"in_files": before}))
    else:
        _write(storage, *map(int, numbers))
    storage.close()


def _speed(storage: Storage, folder: Path, lone: int, burst: int) -> dict[str, Any]:
    waits_ms = []
    for number in range(lone):
        begun_s = time.perf_counter()
        storage.put(number)
        waits_ms.append((time.perf_counter() - begun_s) * 1e3)
    at_once = in_files(folder)
    _until_in_files(folder, lone)
    begun_s = time.perf_counter()
    storage.put_all(range(lone, lone + burst))
    put_s = time.perf_counter() - begun_s
    _until_in_files(folder, lone + burst)
    return {
        "waits_ms": waits_ms,
        "at_once": at_once,
        "put_per_s": burst / put_s,
        "in_files_per_s": burst / (time.perf_counter() - begun_s),
    }


def _until_in_files(folder: Path, count: int) -> None:
    until_s = time.monotonic() + IN_FILES_S
    while in_files(folder) < count and time.monotonic() < until_s:
        time.sleep(0.02)


def _read(storage: Storage) -> dict[str, Any]:
    numbers: list[int] = []
    begun_s = last_s = time.perf_counter()
    for pack in storage.packs():
        numbers += pack
        last_s = time.perf_counter()
    return {"numbers": numbers, "per_s": len(numbers) / max(1e-6, last_s - begun_s)}


def _write(storage: Storage, first: int, rate: int) -> None:
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    number, begun_s = first, time.monotonic()
    while not over.wait(max(0.0, begun_s + (number - first) / rate - time.monotonic())):
        taken = "+" if storage.put(number) else "-"
        os.write(1, f"{taken}{number}\n".encode())
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
