"""The agent's plan, as the person sees it."""

from datetime import UTC, datetime

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import TodoItem
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, TodoListChanged
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, objects, text
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool

_STATUS = {
    "pending": enums.TODO_PENDING,
    "in_progress": enums.TODO_IN_PROGRESS,
    "completed": enums.TODO_COMPLETED,
    "cancelled": enums.TODO_CANCELLED,
}


class Todos(BaseTool):
    """`todos`."""

    signature = Signature(
        "todos",
        "Keep the list of what is to be done, for work of several steps: the whole list each time. The person sees it.",
        (
            Parameter(
                "items",
                "array",
                "All items, in order.",
                required=True,
                most=100,
                items=(
                    Parameter("id", "string", "Short, and the same from call to call.", required=True, most=100),
                    Parameter("content", "string", "What is to be done.", required=True, most=1000),
                    Parameter("status", "string", "How far it is.", default="pending", choices=tuple(_STATUS)),
                ),
            ),
        ),
    )
    effect = Effect.NONE
    parallel = False

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject(f"change the list of todos ({len(objects(arguments, 'items'))} items)")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        items = objects(arguments, "items")
        names = [text(item, "id") for item in items]
        if len(set(names)) != len(names):
            raise ToolError("two items have the same id: each needs one of its own")
        now = datetime.fromtimestamp(context.session.clock() / 1e6, UTC).isoformat()
        changed = TodoListChanged()
        for item in items:
            changed.todos[text(item, "id")].CopyFrom(
                TodoItem(
                    id=text(item, "id"),
                    content=text(item, "content"),
                    status=_STATUS[text(item, "status")],
                    updated_at=now,
                )
            )
        self.tell(context, Event(todo_list_changed=changed))
        done = sum(text(item, "status") == "completed" for item in items)
        return ToolResult(f"The list has {len(items)} items, {done} of them done.")
