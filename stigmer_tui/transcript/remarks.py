"""Events that leave nothing but a remark in the transcript, in words for a person."""

from collections.abc import Callable, Mapping, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MESSAGE_HUMAN
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as events
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_tui.text.times import thousands
from stigmer_tui.transcript.blocks import Remark, Tone

_TONES = {events.LOG_LEVEL_WARNING: Tone.WARNING, events.LOG_LEVEL_ERROR: Tone.ERROR}
_SAID_OTHERWISE = frozenset({AttentionKind.ATTENTION_KIND_APPROVAL, AttentionKind.ATTENTION_KIND_QUESTION})
"""Attention that has an event of its own, which says more."""
_LIMITS = {
    "turns": ("calls of the model", 1),
    "tokens": ("tokens", 1),
    "cost": ("US dollars", 1_000_000),
    "time": ("seconds", 1_000_000),
}


def past_of(shared: events.SharedPast, session_id: str) -> Remark:
    """What a branch goes on from, or a message that is asked again in its session: a line, and folded below it what was said last before."""
    same = shared.session_id == session_id
    more = f", {thousands(shared.earlier)} earlier in {shared.session_id}" if shared.earlier else ""
    where = f" up to {shared.message_id}" if shared.message_id else ""
    said = [f"{'›' if each.type == MESSAGE_HUMAN else ' '} {each.text}" for each in shared.messages]
    count = len(said)
    told = f"{count} message{'' if count == 1 else 's'}{more}"
    line = (
        f"Asks again what {shared.execution_id} was asked, after {told}"
        if same
        else f"Goes on from {shared.session_id}{where}: {told}"
    )
    return Remark("\n".join((line, *said)), mark="↺" if same else "⑂", lines=1)


def remark_of(event: Event) -> Remark | None:
    """The remark that an event leaves; None where it leaves none."""
    make = _REMARKS.get(event.WhichOneof("body") or "")
    return None if make is None else make(event)


def _attached(event: Event) -> Remark:
    return Remark(f"{event.terminal_attached.author or 'Somebody'} took the keyboard.")


def _detached(event: Event) -> Remark:
    reason = event.terminal_detached.reason
    author = event.terminal_detached.author or "Somebody"
    return Remark(f"{author} let go of the keyboard{f': {reason}' if reason else ''}.")


def _attention(event: Event) -> Remark | None:
    raised = event.attention_raised
    return None if raised.kind in _SAID_OTHERWISE else Remark(raised.text, Tone.WARNING, "!")


def _question(event: Event) -> Remark:
    asked = event.question_asked
    options = "".join(f"\n{number}. {option}" for number, option in enumerate(asked.options, 1))
    return Remark(f"{asked.text}{options}", Tone.WARNING, "?")


def _note(event: Event) -> Remark:
    author = event.note_added.author
    return Remark(f"{event.note_added.text}{f'  ({author})' if author else ''}", mark="✎")


def _log(event: Event) -> Remark:
    line = event.log_line
    text = f"{line.component}: {line.text}" if line.component else line.text
    return Remark(text, _TONES.get(line.level, Tone.QUIET))


def _model_failed(event: Event) -> Remark:
    failed = event.model_call_failed
    wait = (failed.retry_unix_micros - event.time_unix_micros) / 1e6
    again = f" It is tried again in {wait:.0f} s." if failed.retry_unix_micros else ""
    return Remark(f"{failed.error}{again}", Tone.WARNING if again else Tone.ERROR, "!")


def _model_changed(event: Event) -> Remark:
    changed = event.model_changed
    return Remark(f"{changed.provider}/{changed.model} answers from here on.".lstrip("/"))


def _compacted(event: Event) -> Remark:
    done = event.context_compacted
    sizes = f"{thousands(done.tokens_before)} to {thousands(done.tokens_after)} tokens"
    if not done.summary:
        return Remark(f"What the model sees of the past was made shorter, {sizes}: old results of tools are left out.")
    return Remark(f"What the model sees of the past was made shorter, {sizes}. Its summary:\n{done.summary}", mark="≡")


def _limit(event: Event) -> Remark:
    neared = event.limit_neared
    words, unit = _LIMITS.get(neared.limit, (neared.limit, 1))
    used, allowed = (f"{value / unit:,.2f}".removesuffix(".00") for value in (neared.used, neared.allowed))
    if neared.reached:
        return Remark(f"The limit is reached: {used} of {allowed} {words}.", Tone.ERROR, "!")
    return Remark(f"A limit is near: {used} of {allowed} {words}.", Tone.WARNING, "!")


def undone_words(paths: Sequence[str], left: Sequence[str]) -> str:
    """What an undo came to: files that are as before, and files that were left alone. Untrusted."""
    others = f" Changed by others since, and left alone: {', '.join(left)}." if left else ""
    return f"Put back as before: {', '.join(paths) or 'nothing'}.{others}"


def _undone(event: Event) -> Remark:
    return Remark(undone_words(event.turn_undone.paths, event.turn_undone.left), mark="↺")


_REMARKS: Mapping[str, Callable[[Event], Remark | None]] = {
    "terminal_attached": _attached,
    "terminal_detached": _detached,
    "attention_raised": _attention,
    "question_asked": _question,
    "note_added": _note,
    "log_line": _log,
    "model_call_failed": _model_failed,
    "model_changed": _model_changed,
    "context_compacted": _compacted,
    "limit_neared": _limit,
    "turn_undone": _undone,
}
