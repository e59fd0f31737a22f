"""Doors of a sluice: while one is open, or unlocked, another may not be."""

from collections.abc import Iterable, Mapping

from gateway.domain.door import DoorMachine, DoorState
from gateway.domain.site import Interlock, InterlockRule


def holding_door(door: str, interlocks: Iterable[Interlock], machines: Mapping[str, DoorMachine]) -> str:
    """The door of a sluice that keeps this one from being granted; empty if none does."""
    for interlock in interlocks:
        others = [other for other in interlock.doors if other != door] if door in interlock.doors else []
        for other in others:
            if _holds(interlock.rule, machines[other].state):
                return other
    return ""


def _holds(rule: InterlockRule, other: DoorState) -> bool:
    """A contact that never spoke counts as closed: a broken wire must not shut a sluice for ever."""
    return other.open is True or (rule is InterlockRule.ONE_UNLOCKED and other.lock_released)
