"""Values between a workflow's execution and its activities. They are written into journals: fields are only ever added, with a default.

Data of a workflow is JSON text in here, so that it is decoded where it is needed and nowhere else. A text in it may hold a reference to a secret
(`secret_marker`): activities put the value in just before they use it, and take it out of what comes back.
"""

import re
from dataclasses import dataclass

INTERPRETER = "stigmer/workflow-execution/invoke"
"""The workflow class that runs a document."""

HTTP = "workflow/http"
"""Makes an HTTP request. Its arguments are what stands below `with`: `method`, `endpoint` (`{"uri": ...}`), `headers`, `query`, `body`, `output`, `redirect`."""

GRPC = "workflow/grpc"
"""Calls a gRPC method: `proto`, `service` (`name`, `host`, `port`), `method`, `arguments`."""

OPENAPI = "workflow/openapi"
"""Calls an operation of an OpenAPI document: `document`, `operationId`, `parameters`, `output`, `redirect`."""

PROCESS = "workflow/process"
"""Runs a process: `kind` (`shell`, `script`, `container`), `await`, `return` (`stdout` where the document says nothing), and what stands below the kind."""

AGENT = "workflow/agent"
"""Asks an agent and waits for it: `agent`, `message`, `env`, `config`, `schema`, `scope`."""

CHILD = "workflow/child"
"""Runs another workflow: `namespace`, `name`, `version`, `input`, `await`."""

EMIT = "workflow/emit"
"""Publishes an event: `event`, a whole CloudEvent with `id`, `source`, `type`, `time` and `specversion`."""

ACTIVITY = "workflow/activity"
"""Has an external worker do something: `name`, `arguments`, `taskQueue`."""

RESOURCE = "workflow/resource"
"""Reads what an external resource holds: `endpoint`. The output is its text."""

ASK = "workflow/unknown"
"""Asks the person about a call whose outcome nobody knows, because its runner died: takes a `TaskCall`, answers with a `CallEnd` whose output is one
of the texts `retry`, `done` and `fail`."""

CALLS = (HTTP, GRPC, OPENAPI, PROCESS, AGENT, CHILD, EMIT, ACTIVITY, RESOURCE)
"""Each takes a `TaskCall` and answers with a `CallEnd`. Each is registered under two names: see `repeatable`."""

WORKFLOW_ERROR = "workflow-error"
"""Type of the failure of an activity that failed with an error of the workflow language: its only detail is JSON text of `type`, `status`, `title`,
`detail` and `instance`."""


def repeatable(name: str) -> str:
    """The name of the same activity where a call may be made again after its runner died."""
    return f"{name}/repeatable"


def secret_marker(name: str) -> str:
    """What stands for the value of a secret in all data of a workflow."""
    return f"\u2060{{stigmer-secret:{name}}}"


SECRET_MARKER = re.compile("\u2060\\{stigmer-secret:([^}]*)\\}")
"""Finds markers; the group is the secret's name."""


@dataclass(frozen=True)
class WorkflowRequest:
    """What a workflow's execution is to do."""

    execution_id: str
    document_json: str
    """The document as JSON text, as `stigmer_apis.workflow.document_json` writes it."""
    input_json: str = "null"
    started_unix_micros: int = 0
    strict: bool = False
    """Whether expressions must stand in `${ }` where they may stand without, also where the document does not say so."""
    workflow_type: str = ""
    """Which of several workflows of one file; empty for the first."""
    runtime_json: str = "{}"
    """What `$runtime` is: `name`, `version`, `metadata`."""
    env_json: str = "{}"
    """What `$env` is: values that are no secrets."""
    carried_json: str = ""
    """Where an earlier run of the same execution stopped, which this one goes on from; empty for the first."""


@dataclass(frozen=True)
class TaskCall:
    """What an activity is to do for a task."""

    execution_id: str
    task_id: str
    """Of the visit: unique in the execution."""
    name: str
    """The task's."""
    instance: str
    """JSON pointer of the task in the document; goes into errors."""
    key: str
    """Unique for this attempt of the visit: what must not be done twice is told apart by it."""
    arguments_json: str = "{}"
    """All expressions evaluated; secrets as markers."""
    authentication_json: str = ""
    """The authentication policy with one key, such as `{"bearer": {"token": ...}}`, all names resolved; empty for none."""
    attempt: int = 1
    """Of the visit."""
    timeout_seconds: float = 0.0
    """What is left of the task's time, 0 for no limit. The workflow cancels the activity then."""


@dataclass(frozen=True)
class CallEnd:
    """What came of a call."""

    output_json: str = "null"
