"""What can go wrong in the engine.

EngineError
├── NonDeterminism         the journal does not fit the workflow's code
├── WorkflowBroken         the workflow's code itself failed
├── Unsupported            the workflow asks for something that this engine does not do yet
├── QueryRefused           the workflow has no such query, or the query failed
├── UpdateRefused          the workflow has no such update, its validator refused it, or its handler failed
└── LeaseLost              the execution belongs to somebody else now

ActivityFailure            raised by an activity: tells the workflow what went wrong
"""

from collections.abc import Sequence


class EngineError(Exception):
    """Something failed in the engine; the message is fit for a person."""


class NonDeterminism(EngineError):
    """The records of a run do not fit what its code does now. Run it with the version that started it, or run it anew."""


class WorkflowBroken(EngineError):
    """The workflow's code raised an error that is not a failure of the workflow: a fault in the code."""


class Unsupported(EngineError):
    """The workflow asked for something that the embedded engine does not do yet."""


class QueryRefused(EngineError):
    """A query could not be answered."""


class UpdateRefused(EngineError):
    """An update was not taken, or came to nothing; the message says why."""


class LeaseLost(EngineError):
    """The execution's lease is over: nothing more is written for it from here."""


class ActivityFailure(Exception):
    """Raised by an activity to say how it failed.

    `kind` is the class of the failure as a workflow or a retry policy may match it; `retryable` False ends the attempts.
    """

    def __init__(self, message: str, *, kind: str, retryable: bool = True, details: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.retryable = retryable
        self.details = tuple(details)


OUTCOME_UNKNOWN = "OutcomeUnknown"
"""Type of the failure of an activity with side effects whose runner died: nobody knows how far it came."""

RUNNER_LOST = "RunnerLost"
"""Type of the failure of a repeatable activity whose attempts were used up by dying runners."""

ACTIVITY_NOT_FOUND = "ActivityNotFound"
"""Type of the failure of an activity that this runner does not have."""
