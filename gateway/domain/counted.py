"""What a grant has counted while nobody knows yet whether its door moves: given back if it never does.

A use is counted at the grant and durable before a command goes. Where no command went in the end (the record came too
late, the board was away), the use wasn't used. What went out, or may have, stays counted.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.register import Made, Register, Uses

COUNTED_MAX = 200
"""More than can be granted before the commands of the first have expired; what is forgotten stays counted."""


@dataclass(slots=True)
class CountedUse:
    """What was counted of one credential or pass: a use on a local day (`YYYY-MM-DD`), or a rotating pass."""

    credential: str
    day: str | None = None
    made: datetime | None = None
    made_before: datetime | None = None
    """The newest one taken until then."""


@dataclass(slots=True)
class Counted:
    """What one grant counted. `commands` have not ended yet."""

    access_point: str
    door: str | None
    leader: str
    """The credential that the door answers for."""
    commands: list[str]
    uses: list[CountedUse] = field(default_factory=list)


class CountedBook:
    """The grants whose commands have not ended."""

    def __init__(self, register: Register, counted: list[Counted]) -> None:
        self._register, self._counted = register, counted

    def keep(self, counted: Counted) -> None:
        """A grant has counted something and told devices to move; where it told none, it stays counted."""
        if counted.commands:
            self._counted.append(counted)
            del self._counted[:-COUNTED_MAX]

    def ended(self, command_id: str, never_sent: bool) -> list[Counted]:
        """The grants of which no command went, now that this one has ended; they are kept no longer."""
        found = [each for each in self._counted if command_id in each.commands]
        for each in found:
            each.commands.remove(command_id)
            if not never_sent or not each.commands:
                self._counted.remove(each)
        return [each for each in found if never_sent and not each.commands]

    def taken(self, door: str, leader: str | None) -> None:
        """Somebody went through, by whatever released the door: that was their use."""
        self._counted[:] = [each for each in self._counted if (each.door, each.leader) != (door, leader)]

    def start_over(self) -> None:
        """A new process: nobody will tell how the commands of the one before have ended."""
        self._counted.clear()

    def give_back(self, use: CountedUse) -> None:
        """As if it had not been counted, whatever was counted since."""
        uses, made = self._register.uses.get(use.credential), self._register.made.get(use.credential)
        if use.day is not None and uses is not None:
            today = uses.today - (uses.day == use.day)
            self._register.put("uses", use.credential, Uses(uses.total - 1, uses.day, today))
        if use.made is not None and made == Made(use.made):
            before = None if use.made_before is None else Made(use.made_before)
            self._register.put("made", use.credential, before)
