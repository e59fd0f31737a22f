"""Wrong attempts in a row, at one reader or for one card's PIN."""

from dataclasses import dataclass, field

from gateway.domain.moment import Moment

ATTEMPTS_MAX = 5
"""GB 50396-2007: an alarm after at most 5 wrong attempts in a row."""
ATTEMPTS_WINDOW_S = 300.0
LOCK_OUT_S = 60.0


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
