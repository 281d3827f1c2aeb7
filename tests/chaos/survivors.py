"""Processes that a command line left behind."""

import psutil


def survivors(marker: str) -> list[str]:
    """Living processes that have `marker` in their command line or their environment, in words."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = process.cmdline()
            if any(marker in word for word in words) or marker in _environment(process).values():
                found.append(f"{process.pid} {process.status()} {' '.join(words)[:200]}")
        except psutil.NoSuchProcess:
            continue
    return found


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.AccessDenied:
        return {}
