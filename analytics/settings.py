"""What a camera worker is told about its cameras. Frozen values; the site config is mapped to them by the assembly."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """A named polygon; points are (x, y) as shares of the picture's width and height, from 0 to 1."""

    name: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """How much is kept of what was observed."""

    before_s: float = 5.0
    after_s: float = 5.0
    longest_s: float = 60.0
    """A clip ends here even while the motion goes on."""


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """When motion in a zone counts, and when it is over."""

    settle_s: float = 0.2
    """Motion must last this long before it is told."""
    quiet_s: float = 3.0
    """So long without motion ends the observation."""
    longest_s: float = 600.0
    """An observation is ended here even if something still moves: a flag in the wind must not hold an alarm for
    ever."""


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How the stream is pulled."""

    transport: str = "tcp"
    """`tcp` or `udp`."""
    open_s: float = 15.0
    """Time for connecting and for libav's probing, which took up to 4.7 s at 10 fps on healthy cameras."""
    silence_s: float = 5.0
    """No packet for so long is a lost stream; cameras send at least one frame a second."""
    retry_least_s: float = 1.0
    retry_most_s: float = 30.0
    refused_retry_s: float = 300.0
    """After a refused password: cameras lock an account after a few wrong tries."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera of a worker."""

    id: str
    zones: tuple[ZoneSettings, ...] = ()
    analysis_fps: float = 10.0
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    rule: RuleSettings = field(default_factory=RuleSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long evidence stays, the oldest leaving first."""

    days: float = 30.0
    total_bytes: int = 20 * 1024**3
