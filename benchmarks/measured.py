"""Seconds and peak memory of a command, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import time


def measured(*command: str) -> dict[str, float]:
    """Seconds and peak memory of a command that must succeed."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: exit status {os.waitstatus_to_exitcode(status)}")
    return {"seconds": round(time.monotonic() - began, 2), "peak_mib": round(usage.ru_maxrss / 1024)}
