"""What there is to try at a simulated site, in the words of `gatehouse sim`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from simulators.plan import DoorPlan, SitePlan, read_plan

_AT_THE_DEMO = """\
  swipe north-reader blue-1         a resident comes home; then: open north
  scan north-scanner pass-1         a visitor's QR pass: it opens two times, and then is used up
  swipe north-reader visitor-1      a visitor who needs an escort, so within 10 s: swipe north-reader blue-2
  swipe yard-reader blue-5          from 22:00 to 06:00 (Shanghai) this wants a PIN within 10 s: press yard-reader 1005#
  swipe yard-reader blue-7          … and 9007# in place of 1007# is duress: it opens, and tells it silently
  wire north-board 4 open           the fire panel's wire is cut: a fault, and no fire; short, then normal mends it
  force yard                        with no page of a console open for 60 s the siren sounds: status
  swipe north-reader blue-3         somebody with special care: so it says on the muster list
  (the door group "gates", north and garage, is locked down on the console)"""
_DEMOS_OWN = frozenset({"north-reader", "north-scanner", "yard-reader", "north-board"})
_DOORS = 3
"""A big site's doors are tried in the same way as its first."""
_WORDS = 32
"""Characters for the words, before what they do."""


def plan_at(data: Path) -> SitePlan | None:
    """The site whose demo lies in `data`; None where none was started."""
    try:
        return read_plan(data / "site.toml")
    except (OSError, ValueError, KeyError):
        return None


def is_demos_own(plan: SitePlan | None) -> bool:
    """Whether the names of the demo's own site are there to try; without a site they are what a start would make."""
    return plan is None or {device.device for device in plan.devices} >= _DEMOS_OWN


def to_try(plan: SitePlan | None) -> str:
    """One line for each: the words, and what they do."""
    if plan is None or is_demos_own(plan):
        return _AT_THE_DEMO
    return "\n".join(f"  {words:{_WORDS}}  {what}" for words, what in _lines(plan))


def _lines(plan: SitePlan) -> Iterator[tuple[str, str]]:
    for door in plan.doors[:_DOORS]:
        yield from _at_door(door)
    loops = ((device.device, number) for device in plan.devices for number in device.loops)
    for board, number in islice(loops, 1):
        yield f"wire {board} {number} open", "the wire of a supervised input is cut; normal mends it"
    if "fire" in plan.buttons:
        yield "fire on", "every door is released until a person clears it; off ends the signal"
    if "panic" in plan.buttons:
        yield "panic on", "the panic button; off releases it"
    yield "status", "every door, siren, coil and input"


def _at_door(door: DoorPlan) -> Iterator[tuple[str, str]]:
    if door.reader is not None:
        yield f"swipe {door.reader} {door.card}-1", f"a resident at {door.id}; then: open {door.id}"
    if door.scanner is not None:
        yield f"scan {door.scanner} pass-1", "a visitor's QR pass: it opens two times, and then is used up"
    if door.rex is not None:
        yield f"press {door.id}", "the exit button"
    if door.contact is not None:
        yield f"force {door.id}", "somebody breaks it open: an alarm"
