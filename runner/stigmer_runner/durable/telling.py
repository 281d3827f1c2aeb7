"""The events that a run has to tell of by itself. Times are filled in by whoever writes them."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MessageType
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    Approval,
    ApprovalResolved,
    AttentionCleared,
    AttentionRaised,
    ContextCompacted,
    Event,
    EventBatch,
    LimitNeared,
    MessageCompleted,
    MessageStarted,
    QuestionAsked,
    SubAgentFinished,
    SubAgentStarted,
    ToolCallFinished,
    ToolCallRequested,
    ToolCallStarted,
    ToolOutcome,
)
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_runner.durable.limits import Near
from stigmer_runner.durable.messages import AskedCall, Said


def encoded(events: Sequence[Event]) -> bytes:
    """As the activity `tell` takes them."""
    return EventBatch(events=events).SerializeToString()


def approval_attention(call_id: str) -> str:
    """The attention that an approval raises."""
    return f"approval-{call_id}"


def not_started(call_id: str, error: str, *, cancelled: bool = False) -> Event:
    """A tool call that will not be made."""
    outcome = ToolOutcome.TOOL_OUTCOME_CANCELLED if cancelled else ToolOutcome.TOOL_OUTCOME_NOT_STARTED
    return Event(tool_call_finished=ToolCallFinished(call_id=call_id, outcome=outcome, error=error))


def requested(call: AskedCall, message_id: str) -> Event:
    """A tool call that is to be made again."""
    return Event(tool_call_requested=ToolCallRequested(call_id=call.call_id, message_id=message_id, name=call.name))


def started(call_id: str) -> Event:
    """A tool call of the loop's own begins."""
    return Event(tool_call_started=ToolCallStarted(call_id=call_id))


def finished(call_id: str, result: str, error: str = "") -> Event:
    """A tool call of the loop's own is over."""
    outcome = ToolOutcome.TOOL_OUTCOME_ENDED
    return Event(tool_call_finished=ToolCallFinished(call_id=call_id, outcome=outcome, result=result, error=error))


def asked(attention_id: str, text: str, options: Sequence[str], call_id: str) -> Sequence[Event]:
    """A question to the person."""
    raised = AttentionRaised(
        attention_id=attention_id, kind=AttentionKind.ATTENTION_KIND_QUESTION, text=text, call_id=call_id
    )
    question = QuestionAsked(attention_id=attention_id, text=text, options=options, call_id=call_id)
    return (Event(question_asked=question), Event(attention_raised=raised))


def cleared(attention_id: str) -> Event:
    """It waits no longer."""
    return Event(attention_cleared=AttentionCleared(attention_id=attention_id))


def withdrawn(call_id: str, why: str, *, expired: bool = False) -> Sequence[Event]:
    """An approval that nobody decided about, and that is not wanted any more."""
    approval = Approval.APPROVAL_EXPIRED if expired else Approval.APPROVAL_DENIED
    resolved = ApprovalResolved(call_id=call_id, approval=approval, reason=why)
    return (Event(approval_resolved=resolved), cleared(approval_attention(call_id)))


def limit(near: Near) -> Event:
    """A limit is near, or reached."""
    told = LimitNeared(limit=near.limit, used=near.used, allowed=near.allowed, reached=near.reached)
    return Event(limit_neared=told)


def compacted(through: str, summary: str, before: int, after: int) -> Event:
    """The context was made shorter."""
    told = ContextCompacted(through_message_id=through, summary=summary, tokens_before=before, tokens_after=after)
    return Event(context_compacted=told)


def sub_agent_started(sub_agent_id: str, name: str, task: str) -> Event:
    """A sub-agent begins."""
    return Event(sub_agent_started=SubAgentStarted(sub_agent_id=sub_agent_id, name=name, input=task))


def sub_agent_finished(sub_agent_id: str, output: str, error: str) -> Event:
    """A sub-agent is done."""
    return Event(sub_agent_finished=SubAgentFinished(sub_agent_id=sub_agent_id, output=output, error=error))


def said(message: Said) -> Sequence[Event]:
    """A person's message, whole."""
    begun = MessageStarted(message_id=message.message_id, type=MessageType.MESSAGE_HUMAN, command_id=message.command_id)
    whole = MessageCompleted(message_id=message.message_id, content=message.text)
    return (Event(message_started=begun), Event(message_completed=whole))
