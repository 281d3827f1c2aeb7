"""`call: openapi`: an operation is found, its parameters go where the document says."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.workflow.openapi import CallOpenApi
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.resources import Resources
from tests.workflow_work.bench import Bench
from tests.workflow_work.site import Answer, Request, Site, as_json, served

NEW: dict[str, object] = {
    "openapi": "3.0.3",
    "servers": [{"url": "/{v}", "variables": {"v": {"default": "v2"}}}],
    "paths": {
        "/pets/{id}": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "get": {
                "operationId": "getPet",
                "parameters": [
                    {"name": "tags", "in": "query"},
                    {"name": "near", "in": "query", "style": "deepObject", "explode": True},
                    {"name": "joined", "in": "query", "explode": False},
                    {"name": "X-Trace", "in": "header"},
                    {"name": "sid", "in": "cookie"},
                ],
            },
            "put": {"operationId": "putPet", "requestBody": {"$ref": "#/components/requestBodies/pet"}},
        },
        "/loop": {"get": {"operationId": "loop", "parameters": [{"$ref": "#/a"}]}},
        "/away": {"get": {"operationId": "away", "parameters": [{"$ref": "https://x/y"}]}},
    },
    "a": {"$ref": "#/a"},
    "components": {
        "parameters": {"id": {"name": "id", "in": "path", "required": True}},
        "requestBodies": {"pet": {"required": True, "content": {"application/xml": {}, "application/json": {}}}},
    },
}
OLD: dict[str, object] = {
    "swagger": "2.0",
    "basePath": "/v1",
    "schemes": ["http"],
    "paths": {
        "/pets": {"post": {"operationId": "addPet", "parameters": [{"in": "body", "name": "pet", "required": True}]}},
        "/login": {"post": {"operationId": "login", "parameters": [{"in": "formData", "name": "user"}]}},
    },
}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    def answer(request: Request) -> Answer:
        match request.path:
            case "/new.yaml":
                return Answer(200, yaml.safe_dump(NEW).encode())
            case "/old.json":
                return as_json(json.dumps(OLD | {"host": f"127.0.0.1:{site.port}"}))
            case "/broken":
                return Answer(200, b"{{{: ")
            case _:
                return as_json('{"name": "Rex"}')

    async with served() as site:
        site.answer = answer
        yield site


class Caller:
    def __init__(self, site: Site, workspace: Path) -> None:
        reach = Reach(Policy(), json.dumps([site.base]))
        self.bench = Bench()
        proofs = Proofs(reach, self.bench.secrets)
        self.site = site
        self.work = CallOpenApi(reach, proofs, Resources(reach, proofs, workspace, ()))

    def asks(self, name: str, operation: str, /, **parameters: object) -> dict[str, object]:
        document = {"endpoint": {"uri": name if ":" in name else f"{self.site.base}/{name}"}}
        return {"document": document, "operationId": operation, "parameters": parameters}

    async def call(self, name: str, operation: str, /, **parameters: object) -> Request:
        assert await self.bench.do(self.work, self.asks(name, operation, **parameters)) == {"name": "Rex"}
        return self.site.requests[-1]


@pytest.fixture
def caller(site: Site, tmp_path: Path) -> Caller:
    return Caller(site, tmp_path)


async def test_parameters_go_where_the_document_says(caller: Caller) -> None:
    given = {"id": "a/b", "tags": [1, 2], "near": {"x": 1}, "joined": ["a", "b"], "X-Trace": "t", "sid": "s 1"}
    request = await caller.call("new.yaml", "getPet", **given)
    assert (request.method, request.path) == ("GET", "/v2/pets/a%2Fb?tags=1&tags=2&near%5Bx%5D=1&joined=a%2Cb")
    assert (request.headers["x-trace"], request.headers["cookie"]) == ("t", "sid=s%201")
    request = await caller.call("new.yaml", "putPet", id=1, name="Rex", age=3)
    assert (request.method, json.loads(request.body)) == ("PUT", {"name": "Rex", "age": 3})
    assert request.headers["content-type"] == "application/json"
    request = await caller.call("new.yaml", "putPet", id=1, body=[1])
    assert request.body == b"[1]"


async def test_documents_of_the_old_form(caller: Caller) -> None:
    request = await caller.call("old.json", "addPet", pet={"name": "Rex"})
    assert (request.path, request.body) == ("/v1/pets", b'{"name": "Rex"}')
    request = await caller.call("old.json", "login", user="ada l")
    assert (request.path, request.body) == ("/v1/login", b"user=ada+l")


@pytest.mark.parametrize(
    ("name", "operation", "parameters", "kind", "words"),
    [
        ("new.yaml", "getCat", {}, "configuration", "getPet, putPet"),
        ("new.yaml", "getPet", {}, "validation", "'id'"),
        ("new.yaml", "getPet", {"id": 1, "other": 2}, "validation", "'other'"),
        ("new.yaml", "putPet", {"id": 1}, "validation", "body"),
        ("new.yaml", "loop", {}, "configuration", "circles"),
        ("new.yaml", "away", {}, "configuration", "another document"),
        ("broken", "x", {}, "configuration", "neither JSON nor YAML"),
        ("file:new.yaml", "getPet", {"id": 1}, "configuration", "names no server"),
        ("file:none.yaml", "getPet", {"id": 1}, "configuration", "none.yaml"),
    ],
)
async def test_what_cannot_be_called_says_why(
    caller: Caller, tmp_path: Path, name: str, operation: str, parameters: "dict[str, object]", kind: str, words: str
) -> None:
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(NEW))
    wrong = await caller.bench.wrong(caller.work, caller.asks(name, operation, **parameters))
    assert (wrong.kind, words in str(wrong)) == (kind, True), wrong
