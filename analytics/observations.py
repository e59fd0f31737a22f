"""Observations of one camera: its zones' rules, and which are open, remembered over a worker's death."""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from analytics.motion import Box
from analytics.rules import Outcome, ZoneRule, advance, check, lose
from analytics.settings import CameraSettings
from analytics.zones import Zone, ZoneMask
from gateway.clock import uuid7
from gateway.domain.moment import Moment
from gateway.domain.signals import Observation

RULE = "motion"
WHOLE = Zone("all", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
"""The zone of a camera that has none configured."""
OPEN_MOST = 1024
"""More open observations than that in the file are no worker's."""


@dataclass(slots=True)
class _Watched:
    mask: ZoneMask
    rule: ZoneRule = field(default_factory=ZoneRule)
    open: Observation | None = None


class ZoneWatch:
    """Turns boxes into observations that start once and always end."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        zones = [Zone(zone.name, zone.polygon) for zone in settings.zones] or [WHOLE]
        self._zones = [_Watched(ZoneMask(zone)) for zone in zones]

    def see(self, boxes: tuple[Box, ...], moment: Moment) -> list[Observation]:
        """One analysed frame's boxes; returns what started and what ended."""
        told = []
        for zone in self._zones:
            moves = any(zone.mask.holds(box) for box in boxes)
            zone.rule, outcome = advance(zone.rule, moves, moment.monotonic_s, self._settings.rule)
            told += self._tell(zone, outcome, moment)
        return told

    def check(self, moment: Moment) -> list[Observation]:
        """Deadlines, also while no frame comes."""
        told = []
        for zone in self._zones:
            zone.rule, outcome = check(zone.rule, moment.monotonic_s, self._settings.rule)
            told += self._tell(zone, outcome, moment)
        return told

    def lose(self, moment: Moment) -> list[Observation]:
        """The stream is gone."""
        told = []
        for zone in self._zones:
            zone.rule, outcome = lose(zone.rule, moment.monotonic_s)
            told += self._tell(zone, outcome, moment)
        return told

    def open(self) -> list[Observation]:
        """What is open now."""
        return [zone.open for zone in self._zones if zone.open is not None]

    def _tell(self, zone: _Watched, outcome: Outcome, moment: Moment) -> list[Observation]:
        if outcome is Outcome.STARTED:
            new_id = str(UUID(bytes=uuid7(moment.wall)))
            zone.open = Observation(new_id, self._settings.id, RULE, zone.mask.zone.name, "started", moment.wall)
            return [zone.open]
        if outcome is Outcome.NOTHING or zone.open is None:
            return []
        begun, zone.open = zone.open, None
        return [ended(begun, timed_out=outcome is Outcome.TIMED_OUT)]


def ended(begun: Observation, *, timed_out: bool) -> Observation:
    """The end of an observation."""
    return Observation(begun.observation_id, begun.camera, begun.rule, begun.zone, "ended", begun.started_at, timed_out)


class OpenFile:
    """The open observations on the disk, so that a worker that was killed can end what its forerunner began."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> list[Observation]:
        """What was open; empty when there is no file or it makes no sense."""
        try:
            rows = json.loads(self._path.read_bytes())
            return [
                Observation(str(i), str(c), str(r), str(z), "started", datetime.fromisoformat(at))
                for i, c, r, z, at in rows[:OPEN_MOST]
            ]
        except (OSError, ValueError, TypeError):
            return []

    def save(self, observations: list[Observation]) -> None:
        """Replace the file. Raises OSError."""
        rows = [[o.observation_id, o.camera, o.rule, o.zone, o.started_at.isoformat()] for o in observations]
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps(rows))
        os.replace(partial, self._path)
