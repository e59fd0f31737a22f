"""One row of a benchmark's table, and the machine it was measured on."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def row(name: str, samples: Sequence[float], unit: str, note: str = "") -> Row:
    """Median and p99 of some samples."""
    ordered = sorted(samples)
    if not ordered:
        return {"name": name, "median": None, "p99": None, "unit": unit, "n": 0, "note": note}
    return {
        "name": name,
        "median": round(ordered[len(ordered) // 2], 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "unit": unit,
        "n": len(ordered),
        "note": note,
    }


def single(name: str, value: float, unit: str, note: str = "") -> Row:
    """One figure."""
    return {"name": name, "median": round(value, 3), "p99": None, "unit": unit, "n": 1, "note": note}


def told(name: str, note: str) -> Row:
    """Words where there is no figure: settings, or why something was skipped."""
    return {"name": name, "median": "", "p99": None, "unit": "", "n": 0, "note": note}


def machine() -> str:
    """What it ran on, and how busy that was."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load()}"


def load() -> str:
    """How busy the machine was in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{part:.2f}" for part in os.getloadavg())
