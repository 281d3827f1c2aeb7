"""`call: openapi`: an operation that an OpenAPI document describes."""

import json
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

import httpx2

from stigmer_runner.durable.workflow_messages import OPENAPI
from stigmer_runner.tools.interface import ToolError
from stigmer_runner.tools.killable import ask_child
from stigmer_runner.workflow.activities import Asked, QuietWork
from stigmer_runner.workflow.http import as_word, encoded_body, endpoint_of, headers_of, time_of, told
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.resources import Resources
from stigmer_runner.workflow.web import Outgoing, exchange, url_of

CHILD = "stigmer_runner.workflow.interface_child"
_SECONDS = 30.0
Fields = Mapping[str, object]


class CallOpenApi(QuietWork):
    """Calls an operation: its parameters go where the document says, what is none of them is the body."""

    name = OPENAPI

    def __init__(self, reach: Reach, proofs: Proofs, resources: Resources) -> None:
        self._reach = reach
        self._proofs = proofs
        self._resources = resources

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        described = asked.mapping("document")
        operation = asked.text("operationId")
        text = await self._resources.text(described)
        found = await found_in(text, operation)
        parts = Parts(found, operation, asked.mapping("parameters"))
        url = parts.url(endpoint_of(described))
        headers = headers_of(parts.headers)
        if parts.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in parts.cookies.items())
        if parts.body is not None:
            headers.setdefault("Content-Type", parts.body_type)
        body = encoded_body(parts.body, headers)
        auth = await self._proofs.of(asked.authentication)
        follows = asked.arguments.get("redirect") is True
        request = Outgoing(str(found["method"]), url, headers, body, auth, follows, time_of(asked))
        return told(await exchange(self._reach, request), asked.arguments)


async def found_in(text: str, operation: str) -> Fields:
    """What a document says about an operation. Raises `TaskProblem`."""
    question = {"document": text, "operation": operation}
    try:
        found = await ask_child(CHILD, question, "reading the OpenAPI document", seconds=_SECONDS)
    except ToolError as error:
        raise TaskProblem(Kind.CONFIGURATION, "the OpenAPI document cannot be read", str(error)) from error
    wrong = found.get("wrong")
    if wrong:
        raise TaskProblem(Kind.CONFIGURATION, "the OpenAPI document does not help", str(wrong))
    return found


class Parts:
    """The parameters of a call, each in its place. Raises `TaskProblem` for those that are missing, and those that nobody knows."""

    def __init__(self, found: Fields, operation: str, given: Fields) -> None:
        self.headers: dict[str, object] = {}
        self.cookies: dict[str, str] = {}
        self.body: object = None
        self.body_type = "application/json"
        self._path = str(found["path"])
        self._query: list[tuple[str, str]] = []
        self._server = str(cast("list[object]", found["servers"])[0])
        left = dict(given)
        known: list[str] = []
        for each in cast("list[Fields]", found["parameters"]):
            name = str(each["name"])
            known.append(name)
            value = left.pop(name, None)
            if value is not None:
                self._put(each, name, value)
            elif each["required"]:
                raise TaskProblem(Kind.VALIDATION, f"the operation {operation!r} needs the parameter {name!r}")
        body = found.get("body")
        if isinstance(body, dict):
            self._put_body(cast("Fields", body), left, operation)
        elif left:
            raise TaskProblem(
                Kind.VALIDATION,
                f"the operation {operation!r} has no parameter {', '.join(map(repr, left))[:300]}",
                f"it has {', '.join(known) or 'none'}",
            )

    def url(self, document: str) -> httpx2.URL:
        """Where the call goes. `document`: where the description lies, for servers that are told as seen from there."""
        server = self._server
        if "://" not in server:
            if "://" not in document or document.startswith("file:"):
                raise TaskProblem(
                    Kind.CONFIGURATION,
                    "the OpenAPI document names no server",
                    "write `servers` with a whole https:// address",
                )
            server = str(url_of(document).join(server))
        url = url_of(f"{server.rstrip('/')}{self._path}")
        return url.copy_merge_params(httpx2.QueryParams([*self._query])) if self._query else url

    def _put(self, parameter: Fields, name: str, value: object) -> None:
        several = bool(parameter["explode"])
        if parameter["json"]:
            value = json.dumps(value)
        match parameter["in"]:
            case "path":
                self._path = self._path.replace(f"{{{name}}}", quote(_joined(value), safe=""))
            case "header":
                self.headers[name] = _joined(value)
            case "cookie":
                self.cookies[name] = quote(_joined(value), safe="")
            case _:
                self._query += _queried(name, value, str(parameter["style"]), several=several)

    def _put_body(self, body: Fields, left: "dict[str, object]", operation: str) -> None:
        self.body_type = str(body["type"])
        name = str(body["name"])
        if list(left) in ([name], ["body"]):
            self.body = next(iter(left.values()))
        elif left:
            self.body = left
        elif body["required"]:
            raise TaskProblem(Kind.VALIDATION, f"the operation {operation!r} needs a body: give it as `body`")


def _joined(value: object) -> str:
    if isinstance(value, list):
        return ",".join(as_word(each) for each in cast("list[object]", value))
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return ",".join(f"{name},{as_word(each)}" for name, each in pairs)
    return as_word(value)


def _queried(name: str, value: object, style: str, *, several: bool) -> list[tuple[str, str]]:
    if isinstance(value, list) and several:
        return [(name, as_word(each)) for each in cast("list[object]", value)]
    if isinstance(value, dict) and (several or style == "deepObject"):
        pairs = cast("dict[str, object]", value).items()
        return [(f"{name}[{key}]" if style == "deepObject" else key, as_word(each)) for key, each in pairs]
    if isinstance(value, list) and style in ("spaceDelimited", "pipeDelimited"):
        sign = " " if style == "spaceDelimited" else "|"
        return [(name, sign.join(as_word(each) for each in cast("list[object]", value)))]
    return [(name, _joined(cast(object, value)))]
