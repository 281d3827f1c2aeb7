"""A question to the person."""

from stigmer_runner.policy.subject import Subject
from stigmer_runner.tools.arguments import Parameter, Signature, text, texts
from stigmer_runner.tools.interface import Arguments, Effect, Question, ToolContext, ToolError, ToolResult
from stigmer_runner.tools.preparing import Standing
from stigmer_runner.tools.tool import BaseTool


class AskPerson(BaseTool):
    """`ask_person`. The loop may put the question itself (`question`), and wait for the answer where a wait outlives a process."""

    signature = Signature(
        "ask_person",
        "Ask the person something that only they can decide or know, and wait for the answer. Do not ask what you can find out.",
        (
            Parameter("question", "string", "What you want to know, whole.", required=True, most=10_000),
            Parameter(
                "options", "array", "Answers to choose from, if there are some; others may be given too.", most=10
            ),
        ),
    )
    effect = Effect.ASK
    parallel = False

    @staticmethod
    def question(arguments: Arguments) -> Question:
        """What is asked."""
        return Question(text(arguments, "question"), tuple(texts(arguments, "options")))

    async def subject(self, arguments: Arguments, standing: Standing) -> Subject:
        return Subject(f"ask: {text(arguments, 'question')}")

    async def run(self, context: ToolContext, arguments: Arguments) -> ToolResult:
        if context.ask is None:
            raise ToolError("nobody can be asked in this run: decide yourself, and say what you assumed")
        answer = await context.ask(self.question(arguments))
        return ToolResult(answer or "(the person gave an empty answer)")
