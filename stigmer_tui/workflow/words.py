"""What happens to a task, in words. Foreign parts are safe to draw."""

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import exact, running_for, span, thousands
from stigmer_tui.workflow.tree import Node
from stigmer_tui.workflow.visits import TaskState, Visit, Waiting, WaitKind

SHAPES: dict[TaskState, tuple[str, str]] = {
    TaskState.AHEAD: ("·", "muted"),
    TaskState.RUNNING: ("▶", "running"),
    TaskState.WAITING: ("●", "waiting"),
    TaskState.RETRYING: ("●", "warning"),
    TaskState.DONE: ("✓", "completed"),
    TaskState.FAILED: ("✗", "failed"),
    TaskState.SKIPPED: ("–", "muted"),
    TaskState.CANCELLED: ("■", "cancelled"),
}
"""By shape and by colour, so that either alone is enough."""


def waiting_words(waiting: Waiting, now: float) -> str:
    """What is waited for, short enough for a row."""
    match waiting.kind:
        case WaitKind.TIME:
            return f"until {clock(waiting.until_micros)}, {_left(waiting.until_micros, now)}"
        case WaitKind.SIGNALS:
            return _signal_words(waiting)
        case WaitKind.RETRY:
            return f"try {waiting.attempt} {_left(waiting.until_micros, now)}"
        case WaitKind.CHILD:
            return "enter shows its run"
        case WaitKind.PERSON:
            return "waits for you"
        case WaitKind.ACTIVITY:
            return (
                f"for somebody outside{f', on the queue ‘{safe(Untrusted(waiting.about))}’' if waiting.about else ''}"
            )


def _signal_words(waiting: Waiting) -> str:
    names = [f"‘{safe(Untrusted(name))}’" for name in waiting.names[:4]]
    more = "" if len(waiting.names) <= 4 else f" and {len(waiting.names) - 4} more"
    if not names:
        return "for any signal"
    joined = (" and " if waiting.wants_all else " or ").join(names) + more
    here = f", {waiting.received} came" if waiting.received else ""
    return f"for {joined}{here}"


def _left(until_micros: int, now: float) -> str:
    left = until_micros - int(now * 1e6)
    if left <= 0:
        return "now"
    return f"in {span(left) if left < 10_000_000 else running_for(left)}"


def clock(micros: int) -> str:
    """A moment as the time of the day."""
    return exact(micros)[11:]


def took(visit: Visit, now: float) -> str:
    """How long it took, or takes so far."""
    if visit.taken_over and visit.ended_micros:
        return "taken over"
    if visit.ended_micros:
        return span(visit.ended_micros - visit.started_micros)
    return running_for(max(0, int(now * 1e6) - visit.started_micros))


def counted(node: Node) -> str:
    """Turns of a loop, visits beyond the first, attempts beyond the first: `3/10`, `12 times`, `try 2`."""
    visit = node.newest
    if visit is None:
        return ""
    parts: list[str] = []
    if visit.total or visit.done:
        parts.append(
            f"{thousands(visit.done)}/{thousands(visit.total)}" if visit.total else f"turn {thousands(visit.done)}"
        )
    if node.begun > 1:
        parts.append(f"{thousands(node.begun)}x")
    failed = node.ended.get(TaskState.FAILED, 0)
    if failed and (failed < node.begun or node.begun > 1):
        parts.append(f"{thousands(failed)} failed")
    if len(node.live) > 1:
        parts.append(f"{len(node.live)} at once")
    if visit.attempt > 1:
        parts.append(f"try {visit.attempt}")
    return " · ".join(parts)


def said(node: Node, now: float) -> str:
    """What is worth saying about it now: what it waits for, why it failed, where it went; else what it does."""
    visit = node.newest
    about = safe(Untrusted(node.about))
    if visit is None:
        condition = f"if {safe(Untrusted(node.condition))}" if node.condition else ""
        return about or condition
    if visit.waiting is not None:
        return waiting_words(visit.waiting, now)
    if visit.why:
        return safe(Untrusted(visit.why))
    if visit.then and visit.then != "continue":
        to = {"end": "the end", "exit": "out of this list"}.get(visit.then, visit.then)
        return f"→ {safe(Untrusted(to))}"
    return about
