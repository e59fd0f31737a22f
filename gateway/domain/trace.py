"""What a decision looked at, step by step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One check: its name, whether it passed, and what it looked at (ids of level, schedule, credential …)."""

    check: str
    passed: bool
    subject: str = ""
