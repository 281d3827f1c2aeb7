"""How tasks fail: errors as the workflow language has them (RFC 7807)."""

import json
from collections.abc import Mapping
from enum import Enum

from stigmer_runner.durable.workflow_messages import WORKFLOW_ERROR
from stigmer_runner.engine.temporalio_names import ApplicationError

_TYPES = "https://serverlessworkflow.io/spec/1.0.0/errors/"


class Kind(Enum):
    """What went wrong: the kinds that the language defines, with the status that each has by itself."""

    CONFIGURATION = 400
    VALIDATION = 422
    EXPRESSION = 423
    AUTHENTICATION = 401
    AUTHORIZATION = 403
    TIMEOUT = 408
    COMMUNICATION = 503
    RUNTIME = 500

    @property
    def type(self) -> str:
        """The URI by which documents know it."""
        return f"{_TYPES}{self.name.lower()}"


class TaskProblem(Exception):
    """A task cannot do its work. `detail` says what and how to mend it; the person reads it."""

    def __init__(self, kind: Kind, title: str, detail: str = "", *, status: int = 0) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.kind = kind
        self.title = title
        self.detail = detail
        self.status = status or kind.value

    def as_dict(self, instance: str) -> dict[str, object]:
        """As documents see it. `instance`: the task, as a JSON pointer."""
        return {
            "type": self.kind.type,
            "status": self.status,
            "title": self.title,
            "detail": self.detail,
            "instance": instance,
        }


def failure_of(error: Mapping[str, object]) -> ApplicationError:
    """What an activity raises, so that both engines hand `error` over whole."""
    words = ": ".join(str(error[key]) for key in ("title", "detail") if error.get(key))
    return ApplicationError(words, json.dumps(error), type=WORKFLOW_ERROR, non_retryable=True)
