"""Proves with the daemon stopped that the exit button and the fire contact free the doors by the wiring alone.

Boards are listened to and never told anything, so whatever opens was opened by the wires.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from config.loader import SiteConfig, load_config
from gateway.assembly.devices import SiteDevices
from gateway.clock import SystemClock
from gateway.domain.signals import InputsChanged, Signal
from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.technician.place import Place
from gateway.technician.walk import Trial, points_of
from gateway.technician.walk_commands import WalkWords, checked_name, walk_of
from gateway.technician.walk_file import WiringProof, write_walk

Ask = Callable[[str], Awaitable[str]]
"""Puts a question to the person and returns the answer."""

YES, NO, SKIP = "y", "n", "s"


@dataclass(slots=True)
class _Listener:
    """Hears the boards: a contact that was active since the last `forget` is remembered."""

    seen: set[tuple[str, int, bool]]

    def put(self, signal: Signal) -> bool:
        if isinstance(signal, InputsChanged):
            self.seen |= {(signal.device, number, energised) for number, energised in signal.inputs}
        return True

    def forget(self) -> None:
        self.seen.clear()


async def prove_wiring(place: Place, by: str, doors: list[str], language: str, ask: Ask) -> int:
    """Ask through the doors' wiring tests, and keep each answer at once; 0 when all passed, 1 otherwise.

    Raises ConfigError: a gateway runs, no walk test was begun, or there is no such door.
    """
    config = load_config(place.config)
    walk_of(place)
    checked_name(by)
    wanted = [point for point in points_of(config) if point.test in (Trial.EXIT_WIRING, Trial.FIRE_WIRING)]
    unknown = [door for door in doors if door not in config.doors]
    if unknown:
        raise ConfigError("--door", unknown[0], f"is no door of this site; there are {', '.join(config.doors)}")
    words = WalkWords(config, language)
    paths = Paths(place.config, place.data)
    paths.prepare()
    passed_all = True
    with paths.lock("doors"):
        listener = _Listener(set())
        running = _listen(config, place, listener)
        try:
            for point in sorted(wanted, key=lambda each: each.test):
                if doors and point.thing not in doors:
                    continue
                listener.forget()
                answer = await _asked(ask, words.text(f"wiring.{point.test}", point=words.point(point)))
                if answer == SKIP:
                    passed_all = False
                    continue
                seen = _contact_seen(config, point.thing, listener)
                at = SystemClock().now().wall
                proof = WiringProof(point.thing, point.test.value, answer == YES, seen, at, by)
                write_walk(place.data, walk_of(place).with_proof(proof))
                passed_all = passed_all and proof.passed
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    return 0 if passed_all else 1


async def _asked(ask: Ask, question: str) -> str:
    while True:
        answer = (await ask(question)).strip().lower()[:1]
        if answer in (YES, NO, SKIP):
            return answer


def _listen(config: SiteConfig, place: Place, listener: _Listener) -> list["asyncio.Task[None]"]:
    """Run the boards that have inputs, and the brokers behind which some are."""
    parts = SiteDevices(config, place.data, listener, SystemClock())
    boards = [parts.devices[name] for name in sorted(_boards_with_inputs(config))]
    return [asyncio.create_task(part.run()) for part in (*parts.brokers.values(), *boards)]


def _boards_with_inputs(config: SiteConfig) -> set[str]:
    wires = [wire for door in config.doors.values() for wire in (door.contact, door.rex) if wire is not None]
    return {wire.device for wire in wires} | {table.device for table in config.inputs.values()}


def _contact_seen(config: SiteConfig, door: str, listener: _Listener) -> bool | None:
    """Whether the door's contact said open since the question; None where it has none."""
    contact = config.doors[door].contact
    if contact is None:
        return None
    return (contact.device, contact.input, contact.active_when == "energised") in listener.seen
