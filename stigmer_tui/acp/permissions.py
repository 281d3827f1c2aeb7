"""An approval, put to the person at the editor."""

import logging
from dataclasses import dataclass

from acp import RequestError
from acp.helpers import text_block, tool_content
from acp.interfaces import Client as Editor
from acp.schema import AllowedOutcome, PermissionOption, ToolCallUpdate

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    APPROVAL_DENIED,
    APPROVAL_ONCE,
    APPROVAL_PREFIX,
    APPROVAL_SESSION,
    Approval,
    ApprovalRequested,
)
from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_tui.acp.calls import Call
from stigmer_tui.text import safe

_APPROVALS: dict[str, Approval.ValueType] = {
    "once": APPROVAL_ONCE,
    "session": APPROVAL_SESSION,
    "prefix": APPROVAL_PREFIX,
    "deny": APPROVAL_DENIED,
}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """Who is asked, and whose execution waits."""

    client: Client
    editor: Editor
    session_id: str
    execution_id: str


async def ask(asking: Asking, requested: ApprovalRequested, call: Call | None) -> None:
    """Ask, and tell the execution. What the editor never answers stays open: it can be decided about in the app as well."""
    shown = requested.summary if not requested.reason else f"{requested.summary}\n\n({requested.reason})"
    update = ToolCallUpdate(
        tool_call_id=call.id if call is not None else f"{asking.execution_id}/{requested.call_id}",
        title=call.title if call is not None else safe(requested.summary)[:300],
        kind=call.kind if call is not None else None,
        status="pending",
        content=[tool_content(text_block(shown))],
        raw_input=dict(call.args) if call is not None else None,
    )
    try:
        response = await asking.editor.request_permission(asking.session_id, update, _options(requested))
    except ConnectionError:
        return
    except RequestError as error:
        _logger.warning("the editor cannot be asked about %s of %s: %s", requested.call_id, asking.execution_id, error)
        await _resolve(asking, requested, APPROVAL_DENIED, "the editor could not ask the person")
        return
    if not isinstance(response.outcome, AllowedOutcome):
        await _resolve(asking, requested, APPROVAL_DENIED, "the editor took the question back")
        return
    approval = _APPROVALS.get(response.outcome.option_id, APPROVAL_DENIED)
    await _resolve(asking, requested, approval, "")


def _options(requested: ApprovalRequested) -> list[PermissionOption]:
    options = [
        PermissionOption(option_id="once", name="Allow once", kind="allow_once"),
        PermissionOption(option_id="session", name="Allow for this session", kind="allow_always"),
    ]
    if requested.prefix:
        words = safe(" ".join(requested.prefix))
        option = PermissionOption(option_id="prefix", name=f"Allow all that begins with `{words}`", kind="allow_always")
        options.append(option)
    return [*options, PermissionOption(option_id="deny", name="Deny", kind="reject_once")]


async def _resolve(asking: Asking, requested: ApprovalRequested, approval: Approval.ValueType, reason: str) -> None:
    try:
        await asking.client.steering.resolve_approval(
            asking.execution_id, requested.call_id, approval, binding=requested.binding, reason=reason
        )
    except StigmerError as error:
        _logger.info("the decision about %s of %s came too late: %s", requested.call_id, asking.execution_id, error)
