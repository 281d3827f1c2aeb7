"""A workflow document as it was written: nothing is evaluated and no default is filled in. Every part knows its place in the file."""

from collections.abc import Iterator
from dataclasses import dataclass

from stigmer_apis.documents.nodes import MapNode, Node, Place
from stigmer_apis.workflow.values import Authentication, Error, Events, Retry, Shaping, Span, Text


@dataclass(frozen=True, slots=True)
class Set:
    """Sets data."""

    values: Node
    """A mapping, or an expression that gives one."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """Makes an HTTP request."""

    method: Text | None
    endpoint: Node | None
    arguments: MapNode | None
    authentication: Text | Authentication | None


@dataclass(frozen=True, slots=True)
class GrpcCall:
    """Calls a gRPC method."""

    service: Text | None
    method: Text | None
    arguments: MapNode | None
    authentication: Text | Authentication | None


@dataclass(frozen=True, slots=True)
class OpenApiCall:
    """Calls an operation that an OpenAPI document describes."""

    operation: Text | None
    arguments: MapNode | None
    authentication: Text | Authentication | None


@dataclass(frozen=True, slots=True)
class AgentCall:
    """Asks an agent of Stigmer's, and waits for its answer."""

    agent: Text | None
    message: Text | None
    arguments: MapNode | None


@dataclass(frozen=True, slots=True)
class ActivityCall:
    """Calls a Temporal activity by its name."""

    activity: Text | None
    queue: Text | None
    arguments: MapNode | None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Calls a function of `use.functions`, or of a catalog (`name:version@catalog`)."""

    function: Text
    arguments: MapNode | None


@dataclass(frozen=True, slots=True)
class Do:
    """Runs tasks one after another."""

    tasks: "tuple[Task, ...]"


@dataclass(frozen=True, slots=True)
class For:
    """Runs tasks once for each item."""

    each: Text | None
    """None: `item`."""
    at: Text | None
    """None: `index`."""
    items: Node | None
    goes_on: Text | None
    """`while`: whether to go on with the next item."""
    tasks: "tuple[Task, ...]"


@dataclass(frozen=True, slots=True)
class Fork:
    """Runs branches side by side."""

    branches: "tuple[Task, ...]"
    competes: bool
    """The first to end wins."""


@dataclass(frozen=True, slots=True)
class Catch:
    """What a try does about an error."""

    place: Place
    errors: MapNode | None
    name: Text | None
    """`as`; None: `error`."""
    when: Text | None
    except_when: Text | None
    retry: Retry | Text | None
    tasks: "tuple[Task, ...]"


@dataclass(frozen=True, slots=True)
class Try:
    """Runs tasks and catches their errors."""

    tasks: "tuple[Task, ...]"
    catch: Catch | None


@dataclass(frozen=True, slots=True)
class Case:
    """One way that a switch can go."""

    name: Text
    when: Text | None
    """None: this case holds when no other does."""
    then: Text | None


@dataclass(frozen=True, slots=True)
class Switch:
    """Goes the way of the first case that holds."""

    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Listen:
    """Waits to be told something."""

    events: Events | None
    item: Text | None
    """`foreach.item`; None: `item`."""
    at: Text | None
    tasks: "tuple[Task, ...]"
    """`foreach.do`: for each event."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Tells others something."""

    event: MapNode | None


@dataclass(frozen=True, slots=True)
class Raise:
    """Fails on purpose."""

    error: Error | Text | None
    """Text: the name of one of `use.errors`."""


@dataclass(frozen=True, slots=True)
class RunProcess:
    """Runs a container, a script or a shell command."""

    kind: str
    """`container`, `script` or `shell`."""
    what: Text | None
    """Image, language or command."""
    settings: MapNode


@dataclass(frozen=True, slots=True)
class RunWorkflow:
    """Runs another workflow."""

    namespace: Text | None
    name: Text | None
    version: Text | None
    input: Node | None
    waits: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Does nothing for a while."""

    span: Span | None


Work = (
    Set | HttpCall | GrpcCall | OpenApiCall | AgentCall | ActivityCall | FunctionCall
    | Do | For | Fork | Try | Switch | Listen | Emit | Raise | RunProcess | RunWorkflow | Wait
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """One task, with what every kind has."""

    name: Text
    node: MapNode
    """All of it as it stands in the file."""
    work: Work | None
    """None where the file does not say, which is a problem of its own."""
    condition: Text | None = None
    """`if`."""
    input: Shaping | None = None
    output: Shaping | None = None
    export: Shaping | None = None
    timeout: Span | Text | None = None
    """Text: the name of one of `use.timeouts`."""
    then: Text | None = None
    """`continue`, `exit`, `end`, or the name of a task of the same list."""

    @property
    def place(self) -> Place:
        """Where its name stands."""
        return self.name.place

    @property
    def kind(self) -> str:
        """For people: `call http`, `for`, `run shell`."""
        return kind_of(self.work)

    def lists(self) -> "Iterator[tuple[str, tuple[Task, ...]]]":
        """The lists of tasks inside of it, each with the word it stands under."""
        match self.work:
            case Do(tasks=tasks) | For(tasks=tasks):
                yield "do", tasks
            case Fork(branches=branches):
                yield "branches", branches
            case Try(tasks=tasks, catch=catch):
                yield "try", tasks
                if catch is not None and catch.tasks:
                    yield "catch", catch.tasks
            case Listen(tasks=tasks) if tasks:
                yield "foreach", tasks
            case _:
                return


@dataclass(frozen=True, slots=True)
class Uses:
    """`use`: what tasks refer to by name. Names are kept in the order of the file."""

    errors: tuple[tuple[Text, Error], ...] = ()
    retries: tuple[tuple[Text, Retry], ...] = ()
    timeouts: tuple[tuple[Text, Span | Text | None], ...] = ()
    authentications: tuple[tuple[Text, Authentication | None], ...] = ()
    functions: tuple[Task, ...] = ()
    secrets: tuple[Text, ...] = ()
    catalogs: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the workflow starts by itself."""

    place: Place
    every: Span | None
    cron: Text | None
    after: Span | None
    on: Events | None


@dataclass(frozen=True, slots=True)
class Workflow:
    """A whole document."""

    source: str
    """The file, as the person knows it."""
    place: Place
    dsl: Text | None
    namespace: Text | None
    """In Zigflow's dialect also the task queue."""
    name: Text | None
    version: Text | None
    title: str
    summary: str
    input: Shaping | None
    output: Shaping | None
    timeout: Span | Text | None
    uses: Uses
    schedule: Schedule | None
    tasks: tuple[Task, ...]
    strict: bool = False
    """Whether expressions must stand in `${ }` everywhere (`evaluate.mode: strict`)."""

    @property
    def are_several(self) -> bool:
        """Whether, in Zigflow's dialect, this file holds several workflows: every task at the top, two or more, is a plain `do`."""
        return len(self.tasks) > 1 and all(isinstance(task.work, Do) for task in self.tasks)


_NAMES: dict[type, str] = {
    Set: "set", HttpCall: "call http", GrpcCall: "call grpc", OpenApiCall: "call openapi", AgentCall: "call agent",
    ActivityCall: "call activity", Do: "do", For: "for", Fork: "fork", Try: "try", Switch: "switch", Listen: "listen",
    Emit: "emit", Raise: "raise", RunWorkflow: "run workflow", Wait: "wait",
}  # fmt: skip


def kind_of(work: Work | None) -> str:
    """For people: `call http`, `for`, `run shell`."""
    match work:
        case None:
            return "?"
        case FunctionCall(function=function):
            return f"call {function.text}"
        case RunProcess(kind=kind):
            return f"run {kind}"
        case _:
            return _NAMES[type(work)]
