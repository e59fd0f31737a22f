"""Wrong attempts in a row, at one reader or for one card's PIN."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.access_request import Decision, DenialReason, Person
from gateway.domain.moment import Moment

ATTEMPTS_MAX = 5
"""GB 50396-2007: an alarm after at most 5 wrong attempts in a row."""
ATTEMPTS_WINDOW_S = 300.0
LOCK_OUT_S = 60.0
ATTEMPTS_KEPT = 500
"""Readers and cards with wrong attempts lately; the oldest go first."""
WRONG = (DenialReason.CREDENTIAL_NOT_FOUND, DenialReason.INVALID_PIN, DenialReason.PASS_INVALID)


@dataclass(slots=True)
class Attempts:
    """Plain values for the checkpoint; `*_s` are monotonic seconds of the boot `boot_id`, another boot's are over."""

    boot_id: str = ""
    wrong_s: list[float] = field(default_factory=list)
    locked_until_s: float = 0.0

    def wrong(self, moment: Moment) -> bool:
        """Count one; True at the fifth within the window: no PIN is taken for a minute then."""
        self._forget_other_boots(moment)
        self.wrong_s = [*self.wrong_s, moment.monotonic_s][-ATTEMPTS_MAX:]
        if len(self.wrong_s) < ATTEMPTS_MAX or moment.monotonic_s - self.wrong_s[0] > ATTEMPTS_WINDOW_S:
            return False
        self.wrong_s, self.locked_until_s = [], moment.monotonic_s + LOCK_OUT_S
        return True

    def right(self) -> None:
        """A grant ends the row."""
        self.wrong_s = []

    def is_locked(self, moment: Moment) -> bool:
        """Is no PIN taken now?"""
        return self.boot_id == moment.boot_id and moment.monotonic_s < self.locked_until_s

    def is_over(self, moment: Moment) -> bool:
        """Nothing of it matters any more."""
        newest_s = max([*self.wrong_s, self.locked_until_s - ATTEMPTS_WINDOW_S])
        return self.boot_id != moment.boot_id or moment.monotonic_s - newest_s > ATTEMPTS_WINDOW_S

    def _forget_other_boots(self, moment: Moment) -> None:
        if self.boot_id != moment.boot_id:
            self.boot_id, self.wrong_s, self.locked_until_s = moment.boot_id, [], 0.0


class AttemptBook:
    """Of all readers and cards, kept in `attempts` by `reader:ID` and `credential:ID`."""

    def __init__(self, attempts: dict[str, Attempts]) -> None:
        self._attempts = attempts

    def wrong(self, reader: str, decision: Decision, moment: Moment) -> str | None:
        """Count a denial, if it is for a wrong attempt; the reader or credential that is locked out by it, if one is.

        Where both are by the same attempt it is the reader.
        """
        if decision.reason not in WRONG:
            return None
        sources = {f"reader:{reader}": reader}
        if decision.reason is DenialReason.INVALID_PIN:
            sources[f"credential:{decision.people[0].id}"] = decision.people[0].id
        locked = [source for key, source in sources.items() if self._counted(key, moment).wrong(moment)]
        return locked[0] if locked else None

    def right(self, reader: str, people: Iterable[Person]) -> None:
        """A grant ends the rows of its reader and of those who were shown."""
        for key in (f"reader:{reader}", *(f"credential:{person.id}" for person in people)):
            if key in self._attempts:
                self._attempts[key].right()

    def is_locked_out(self, reader: str, person: Person | None, moment: Moment) -> bool:
        """Is no PIN taken at the reader, or for the person's card?"""
        keys = [f"reader:{reader}"] + ([] if person is None else [f"credential:{person.id}"])
        return any(key in self._attempts and self._attempts[key].is_locked(moment) for key in keys)

    def _counted(self, key: str, moment: Moment) -> Attempts:
        for over in [name for name, each in self._attempts.items() if name != key and each.is_over(moment)]:
            del self._attempts[over]
        found = self._attempts.pop(key, None) or Attempts()
        self._attempts[key] = found  # The newest last.
        while len(self._attempts) > ATTEMPTS_KEPT:
            del self._attempts[next(iter(self._attempts))]
        return found
