"""`call`: HTTP, gRPC, OpenAPI, activities, agents, and functions by name."""

from stigmer_apis.documents.nodes import MapNode
from stigmer_apis.workflow.fields import Fields
from stigmer_apis.workflow.model import ActivityCall, AgentCall, FunctionCall, GrpcCall, HttpCall, OpenApiCall, Work
from stigmer_apis.workflow.parts import authentication_of, endpoint, resource_of
from stigmer_apis.workflow.values import Authentication, Text

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_OUTPUTS = ("raw", "content", "response")


def call(fields: Fields) -> Work | None:
    """The work of a task with `call`."""
    what = fields.text("call", required=True)
    arguments = fields.mapping("with")
    if what is None:
        return None
    below = Fields(
        arguments if arguments is not None else MapNode(fields.node.place, ()), fields.notes, fields.at("with")
    )
    if what.text not in ("http", "grpc", "openapi", "agent", "activity", "asyncapi"):
        return FunctionCall(what, arguments)
    if arguments is None:
        fields.entry("with", required=True, remedy=f"`call: {what.text}` is told there what to call")
        return _empty(what.text)
    match what.text:
        case "http":
            work: Work | None = _http(below)
        case "grpc":
            work = _grpc(below)
        case "openapi":
            work = _openapi(below)
        case "agent":
            work = _agent(below)
        case "activity":
            work = _activity(below)
        case _:
            fields.wrong("call", "AsyncAPI is not part of what Stigmer reads", "use `call: http`, `emit` or `listen`")
            return None
    below.done()
    return work


def _empty(what: str) -> Work | None:
    """The call that does not say what it calls."""
    match what:
        case "http":
            return HttpCall(None, None, None, None)
        case "grpc":
            return GrpcCall(None, None, None, None)
        case "openapi":
            return OpenApiCall(None, None, None)
        case "agent":
            return AgentCall(None, None, None)
        case "activity":
            return ActivityCall(None, None, None)
        case _:
            return None


def _http(fields: Fields) -> HttpCall:
    method = fields.text("method", required=True)
    if method is not None and not method.is_expression and method.text.upper() not in _METHODS:
        fields.wrong("method", f"`{method.text[:60]}` is no method of HTTP", f"known are {', '.join(_METHODS)}")
    where, proof = endpoint(fields, "endpoint")
    fields.mapping("headers")
    fields.mapping("query")
    fields.anything("body")
    fields.text("output", one_of=_OUTPUTS)
    fields.flag("redirect", False)
    return HttpCall(method, where, fields.node, proof)


def _grpc(fields: Fields) -> GrpcCall:
    resource_of(fields, "proto")
    proof = authentication_of(fields, "authentication")

    service = fields.below("service", _service, required=True)
    method = fields.text("method", required=True)
    fields.mapping("arguments")
    name, inner = service if service is not None else (None, None)
    return GrpcCall(name, method, fields.node, inner or proof)


def _service(fields: Fields) -> tuple[Text | None, Text | Authentication | None]:
    name = fields.text("name", required=True, remedy="the service's full name, with its package")
    fields.text("host", required=not fields.notes.published)
    fields.whole("port", 0, 65_535)
    proof = authentication_of(fields, "authentication")
    fields.done()
    return name, proof


def _openapi(fields: Fields) -> OpenApiCall:
    resource_of(fields, "document", required=True)
    operation = fields.text("operationId", required=True)
    fields.mapping("parameters")
    proof = authentication_of(fields, "authentication")
    fields.text("output", one_of=_OUTPUTS)
    fields.flag("redirect", False)
    return OpenApiCall(operation, fields.node, proof)


def _agent(fields: Fields) -> AgentCall:
    agent = fields.text("agent", required=True, remedy="the name of an agent, such as one of `stigmer agent list`")
    message = fields.text("message", required=True, remedy="what to ask it: a text or an expression")
    fields.text("scope", one_of=("platform", "organization", "identity_account"))
    fields.mapping("env")
    fields.mapping("schema", or_expression=False)

    def config(below: Fields) -> None:
        below.text("model")
        below.whole("timeout", 1, 3_600)
        below.anything("temperature")
        below.done()

    fields.below("config", config)
    return AgentCall(agent, message, fields.node)


def _activity(fields: Fields) -> ActivityCall:
    name = fields.text("name", required=True, remedy="the name that the activity is registered under")
    queue = fields.text("taskQueue")
    fields.anything("arguments")
    return ActivityCall(name, queue, fields.node)
