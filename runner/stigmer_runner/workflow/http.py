"""`call: http`: a request, and its answer as the document wants it."""

import base64
import json
import re
from collections.abc import Mapping
from typing import cast

import httpx2

from stigmer_runner.durable.workflow_messages import HTTP
from stigmer_runner.workflow.activities import Asked, QuietWork
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.web import SECONDS, Incoming, Outgoing, exchange, refused, url_of

METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
OUTPUTS = ("content", "raw", "response")
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json|text/json")
_TEXT = re.compile(
    r"text/|application/(?:[\w.+-]+\+)?(?:xml|yaml|x-yaml|javascript|x-www-form-urlencoded|x-ndjson|graphql)"
)


class CallHttp(QuietWork):
    """Makes a request. Any method; the answer as `content` (decoded), `raw` (base64) or `response` (all of it)."""

    name = HTTP

    def __init__(self, reach: Reach, proofs: Proofs) -> None:
        self._reach = reach
        self._proofs = proofs

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        method = asked.text("method").upper()
        if method not in METHODS:
            raise TaskProblem(Kind.CONFIGURATION, f"{method[:40]!r} is no method of HTTP")
        url = with_query(url_of(endpoint_of(asked.arguments)), asked.mapping("query"))
        headers = headers_of(asked.mapping("headers"))
        body = encoded_body(asked.arguments.get("body"), headers)
        auth = await self._proofs.of(asked.authentication)
        request = Outgoing(method, url, headers, body, auth, asked.arguments.get("redirect") is True, time_of(asked))
        return told(await exchange(self._reach, request), asked.arguments)


def time_of(asked: Asked) -> float:
    """Seconds that a call may take: what the task has left, which the workflow watches, or our own limit."""
    return asked.task.timeout_seconds + 1.0 if asked.task.timeout_seconds > 0 else SECONDS


def endpoint_of(arguments: Mapping[str, object]) -> str:
    """The address of an `endpoint`. Raises `TaskProblem`."""
    endpoint = arguments.get("endpoint")
    if isinstance(endpoint, dict):
        endpoint = cast("dict[str, object]", endpoint).get("uri")
    if not isinstance(endpoint, str) or not endpoint:
        raise TaskProblem(Kind.CONFIGURATION, "`endpoint` names no address")
    return endpoint


def with_query(url: httpx2.URL, query: Mapping[str, object]) -> httpx2.URL:
    """`url` with more parameters; a list gives its parameter several times, null leaves it out."""
    given = [
        (key, as_word(each))
        for key, value in query.items()
        if value is not None
        for each in (cast("list[object]", value) if isinstance(value, list) else [value])
    ]
    return url.copy_merge_params(httpx2.QueryParams([*url.params.multi_items(), *given])) if given else url


def headers_of(given: Mapping[str, object]) -> httpx2.Headers:
    """Headers; null leaves one out. Raises `TaskProblem`."""
    headers = httpx2.Headers({"User-Agent": "stigmer", "Accept": "application/json, */*;q=0.5"})
    for key, value in given.items():
        text = as_word(value)
        if re.search(r"[\r\n\0]", key + text) or not key.isascii():
            raise TaskProblem(Kind.CONFIGURATION, f"the header {key[:100]!r} holds a line break, or is none")
        if value is not None:
            headers[key] = text
    return headers


def encoded_body(body: object, headers: httpx2.Headers) -> bytes:
    """A body as it is sent: a text as it is, a mapping as a form where the headers say so, all else as JSON. Says in `headers`
    what it is, unless they say so already."""
    if body is None:
        return b""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(body, str):
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return body.encode("utf-8", "surrogatepass")
    if kind == "application/x-www-form-urlencoded" and isinstance(body, dict):
        fields = cast("dict[str, object]", body)
        return str(with_query(httpx2.URL("http://form/"), fields).query, "ascii").encode()
    headers.setdefault("Content-Type", "application/json")
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def told(answer: Incoming, arguments: Mapping[str, object]) -> object:
    """An answer as the document wants it. Raises `TaskProblem` where its status says that it is an error."""
    problem = refused(answer, redirects=arguments.get("redirect") is True)
    if problem is not None:
        raise problem
    match arguments.get("output") or "content":
        case "content":
            return content_of(answer)
        case "raw":
            return base64.b64encode(answer.body).decode("ascii")
        case "response":
            return {
                "request": {
                    "method": answer.method,
                    "uri": answer.url,
                    "headers": dict(answer.request_headers),
                },
                "statusCode": answer.status,
                "headers": dict(answer.headers),
                "content": content_of(answer),
            }
        case other:
            raise TaskProblem(Kind.CONFIGURATION, f"`output` is {str(other)[:40]!r}", f"known are {', '.join(OUTPUTS)}")


def content_of(answer: Incoming) -> object:
    """The body: JSON decoded, text as text, anything else as base64; None where there is none. Raises `TaskProblem`."""
    if not answer.body:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _JSON.fullmatch(kind):
        return decoded_json(answer.body, f"the answer of {httpx2.URL(answer.url).host}")
    if _TEXT.match(kind) or not kind:
        try:
            return answer.body.decode("utf-8")
        except UnicodeDecodeError:
            if kind:
                return answer.body.decode("latin-1")
    return base64.b64encode(answer.body).decode("ascii")


def decoded_json(body: bytes, what: str) -> object:
    """The value of a JSON text. Raises `TaskProblem` where it is none."""
    try:
        return cast(object, json.loads(body, parse_constant=_no_number))
    except RecursionError as error:
        raise TaskProblem(Kind.COMMUNICATION, f"{what} is nested too deep", status=502) from error
    except ValueError as error:
        start = body[:200].decode("utf-8", "replace")
        raise TaskProblem(
            Kind.COMMUNICATION, f"{what} says that it is JSON, and is none", f"{error}; it begins: {start}", status=502
        ) from error


def as_word(value: object) -> str:
    """A value as it stands in headers and addresses."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case _:
            return json.dumps(value)


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")
