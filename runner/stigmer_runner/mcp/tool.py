"""One tool of a server, as the loop calls it."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from stigmer_runner.mcp.listing import Listed
from stigmer_runner.mcp.naming import policy_name
from stigmer_runner.models.port import ToolSpec
from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.interface import Arguments, Effect, ToolArgumentError, ToolContext, ToolResult
from stigmer_runner.tools.preparing import Standing

LARGEST_ARGUMENTS = 4 * 1024 * 1024
"""Characters, as JSON."""

Call: TypeAlias = Callable[[ToolContext, str, Arguments], Awaitable[ToolResult]]


class McpTool:
    """See `interface.Tool`. What a server says of its tools' harmlessness is not believed: each may do anything, and one runs at a time."""

    effect = Effect.EXECUTE
    parallel = False

    def __init__(self, server: str, listed: Listed, call: Call) -> None:
        self.server = server
        self.listed = listed
        self.policy_name = policy_name(server, listed.name)
        self._spec = listed.spec(server)
        self._call = call

    @property
    def spec(self) -> ToolSpec:
        """How it is described to a model."""
        return self._spec

    def check(self, arguments: Arguments) -> Arguments:
        """The server checks them by its own schema."""
        try:
            size = len(json.dumps(arguments))
        except (ValueError, RecursionError) as error:
            raise ToolArgumentError(f"{self.policy_name}: the arguments are no JSON: {error}") from error
        if size > LARGEST_ARGUMENTS:
            raise ToolArgumentError(
                f"{self.policy_name}: the arguments have {size:,} characters, and at most {LARGEST_ARGUMENTS:,} are taken"
            )
        return arguments

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        """The tool and its arguments, whole."""
        return Subject(f"{self.policy_name} {json.dumps(arguments, indent=2, sort_keys=True, ensure_ascii=False)}")

    async def call(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        """Call it. What goes wrong is a result that is an error."""
        return context.session.redacted(await self._call(context, self.listed.name, arguments))
