"""The lines above and below a run, in words."""

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import running_for, span, thousands
from stigmer_tui.theme.phases import look_of
from stigmer_tui.transcript.blocks import TodoList
from stigmer_tui.transcript.calls import killed_words
from stigmer_tui.transcript.run_state import RunState, StopState
from stigmer_tui.widgets.line import Part
from stigmer_tui.widgets.log_view import LogView

ELSEWHERE = ("container", "daytona", "landlock")
"""Kinds of sandboxes that the line above a run names; the usual walls go without saying."""


def head_left(state: RunState) -> list[Part]:
    """Phase, agent, what it was asked."""
    if state.damage and not state.agent:  # Not even its beginning can be read, so nothing is known of its phase.
        return [("✗ damaged: its events are lost", "error")]
    if not state.known:
        return [("reading …" if state.execution_id else "starting …", "muted")]
    look = look_of(state.phase, stopping=state.stop in (StopState.REQUESTED, StopState.STOPPING))
    return [
        (f"{look.shape} {look.word}", look.style),
        *([("  damaged: events are lost", "error")] if state.damage else []),
        (f"  {safe(Untrusted(state.agent))}  ", "muted"),
        (safe(Untrusted(state.subject)), "title"),
    ]


def head_right(state: RunState, now: float) -> list[Part]:
    """What waits, how the last command ended, how long it takes."""
    parts: list[Part] = []
    if state.paused and state.live:
        parts.append(("paused  ", "warning"))
    if state.tokens:
        cost = f" ${state.cost_micro_usd / 1e6:.2f}" if state.cost_micro_usd else ""
        parts.append((f"{thousands(state.tokens)} tokens{cost}  ", "muted"))
    if state.queued:
        parts.append((f"{len(state.queued)} queued  ", "accent"))
    if state.no_walls is not None:
        parts.append(("no walls  ", "warning"))
    elif state.sandbox in ELSEWHERE:
        parts.append((f"{state.sandbox}  ", "muted"))
    if state.exit_code is not None:
        parts.append((f"exit {state.exit_code}  ", "error" if state.exit_code else "muted"))
    if state.started_micros:
        end = state.ended_micros or int(now * 1e6)
        took = max(0, end - state.started_micros)
        parts.append((span(took) if state.ended_micros else running_for(took), "muted"))
    return parts


def stop_words(state: RunState, *, confirming: bool, shown_key: str) -> Part | None:
    """How far stopping it came; None where nobody asked."""
    if confirming and state.live:
        return (f"press {shown_key} again to stop this run and everything that it started", "warning")
    match state.stop:
        case StopState.REQUESTED:
            return ("stop requested …", "warning")
        case StopState.STOPPING:
            return ("stopping …", "warning")
        case StopState.STOPPED:
            killed = safe(Untrusted(killed_words(state.killed)))
            return (f"stopped{f'; {killed}' if killed else '; nothing was left running'}", "warning")
        case StopState.NOT_ASKED:
            return None


def waiting_words(state: RunState) -> list[Part]:
    """What waits for a person, and what to do about it."""
    question = next(iter(state.decisions.questions.values()), None)
    if question is not None:
        return [(f"? {safe(Untrusted(question.text))}", "warning"), ("  what you write next is the answer", "muted")]
    if state.decisions.approvals or not state.waits_for:
        return []
    words = next(reversed(state.waits_for.values()))
    how = "  enter, with nothing written, attaches" if state.terminals else ""
    return [(f"! {safe(Untrusted(words))}", "warning"), (how, "muted")]


def place_words(view: LogView, found: list[Part]) -> list[Part]:
    """What was found, what is selected, whether it follows, what is new."""
    parts = list(found)
    if view.selection is not None:
        count = view.selection.last_row - view.selection.first_row + 1
        parts.append((f"{thousands(count)} selected, y copies  ", "accent"))
    if view.following:
        parts.append(("following", "muted"))
    elif view.fresh:
        parts.append((f" +{thousands(view.fresh)} new ", "badge"))
        parts.append((" end follows", "muted"))
    else:
        parts.append((f"{thousands(view.cursor + 1)} of {thousands(view.row_count())}", "muted"))
    return parts


def plan_words(todos: TodoList | None, state: RunState) -> list[Part]:
    """The plan as it stands, in a line: how much is done, and what is being done. Empty where there is none, or the run is over."""
    if todos is None or not todos.items or not state.live:
        return []
    done = sum(1 for shape, _ in todos.items if shape in ("✓", "■"))
    now = next((text for shape, text in todos.items if shape == "▶"), "")
    now = now or next((text for shape, text in todos.items if shape == "○"), "")
    return [
        (f"plan {done}/{len(todos.items)}  ", "muted"),
        ("▶ " if now else "✓ ", "accent" if now else "good"),
        (safe(Untrusted(now)) if now else "all done", "text"),
    ]
