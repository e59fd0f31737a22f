"""What a door is meant to do: one mode, made of what may be asked for at once."""

from enum import StrEnum


class DoorMode(StrEnum):
    """ONVIF DoorControl's names."""

    UNKNOWN = "Unknown"
    LOCKED = "Locked"
    UNLOCKED = "Unlocked"
    ACCESSED = "Accessed"
    """Released for somebody; locked again by itself."""
    BLOCKED = "Blocked"
    """No credential opens; the way out does."""
    LOCKED_DOWN = "LockedDown"
    """Entry is refused until the lockdown is released."""
    LOCKED_OPEN = "LockedOpen"
    """A life-safety release: it stands released until that is taken back."""
