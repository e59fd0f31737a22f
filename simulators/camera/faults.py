"""What can be wrong with the camera, on demand."""

from enum import StrEnum


class Fault(StrEnum):
    """One at a time; `CUT` happens once and leaves the camera healthy."""

    NONE = "none"
    REFUSE = "refuse"
    STALL = "stall"
    RUBBISH = "rubbish"
    RESOLUTION = "resolution"
    AUTH = "auth"
    CUT = "cut"
