"""What tools of ours have in common."""

from abc import ABC, abstractmethod

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.errors import RunnerError
from stigmer_runner.models.port import ToolSpec
from stigmer_runner.policy.subject import Subject
from stigmer_runner.redaction import redact_message
from stigmer_runner.sandbox import SandboxError
from stigmer_runner.tools.arguments import Signature
from stigmer_runner.tools.interface import Arguments, Effect, ToolContext, ToolResult
from stigmer_runner.tools.preparing import Standing


class BaseTool(ABC):
    """See `interface.Tool`. What `run` raises as a `RunnerError` or a `SandboxError` is answered as an error."""

    signature: Signature
    effect: Effect = Effect.READ
    parallel: bool = True

    @property
    def spec(self) -> ToolSpec:
        """How it is described to a model."""
        return self.signature.spec

    def check(self, arguments: Arguments) -> Arguments:
        """See `interface.Tool.check`."""
        return self.signature.check(arguments)

    async def call(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        """See `interface.Tool.call`."""
        try:
            result = await self.run(context, arguments)
        except (RunnerError, SandboxError) as error:
            result = ToolResult(str(error), is_error=True)
        return context.session.redacted(result)

    @abstractmethod
    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        """Do it."""

    @abstractmethod
    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        """See `preparing.Describes`."""

    def tell(self, context: ToolContext, event: Event) -> None:
        """Record `event`, with its time and the sub-agent that it happened to, and without secrets in its texts."""
        redact_message(context.session.redactor, event)
        event.time_unix_micros = context.session.clock()
        event.sub_agent_id = context.sub_agent_id
        context.record(event)
