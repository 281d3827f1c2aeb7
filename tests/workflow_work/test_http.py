"""`call: http`: what is sent, what comes of answers, and where a call does not go."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.durable.workflow_messages import secret_marker
from stigmer_runner.workflow import web
from stigmer_runner.workflow.http import METHODS, CallHttp
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.secrets import Secrets
from tests.workflow_work.bench import Bench
from tests.workflow_work.site import Answer, Request, Site, as_json, served

KEY = "s3cret-key-of-mine"


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as site:
        yield site


class Caller:
    """Calls as a run of a document that names the site does."""

    def __init__(self, site: Site, policy: Policy | None = None, document: str | None = None) -> None:
        self.bench = Bench(
            Secrets({"KEY": KEY, "LOGIN": json.dumps({"username": "ada", "password": KEY})}, {"KEY": KEY})
        )
        text = json.dumps({"do": [site.base]}) if document is None else document
        self._reach = Reach(policy or Policy(), text)
        self.work = CallHttp(self._reach, Proofs(self._reach, self.bench.secrets))

    async def get(self, url: str, **more: object) -> object:
        return await self.bench.do(self.work, {"method": "get", "endpoint": {"uri": url}, **more})

    async def fails(self, url: str, **more: object):
        return await self.bench.wrong(self.work, {"method": "get", "endpoint": {"uri": url}, **more})


@pytest.fixture
def caller(site: Site) -> Caller:
    return Caller(site)


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_each_method_is_sent_with_its_query_headers_and_body(caller: Caller, site: Site, method: str) -> None:
    body = None if method in ("GET", "HEAD") else {"name": "Grüße"}
    arguments = {
        "method": method.lower(),
        "endpoint": {"uri": f"{site.base}/orders?page=1"},
        "query": {"tag": ["a b", "c"], "deep": True, "none": None},
        "headers": {"X-Number": 7},
        "body": body,
    }
    await caller.bench.do(caller.work, arguments)
    [request] = site.requests
    assert request.method == method
    assert request.path == "/orders?page=1&tag=a+b&tag=c&deep=true"
    assert request.headers["x-number"] == "7"
    assert request.body == (b"" if body is None else json.dumps(body, ensure_ascii=False).encode())


async def test_bodies_are_sent_as_what_they_are(caller: Caller, site: Site) -> None:
    for body, headers, kind, sent in (
        ("plain", {}, "text/plain; charset=utf-8", b"plain"),
        ({"a": "x y", "b": [1, 2]}, {"content-type": "application/x-www-form-urlencoded"}, None, b"a=x+y&b=1&b=2"),
        ([1, None], {}, "application/json", b"[1, null]"),
    ):
        await caller.get(site.base, method="post", body=body, headers=headers)
        assert site.requests[-1].body == sent
        assert kind is None or site.requests[-1].headers["content-type"] == kind


async def test_answers_are_content_raw_or_all_of_it(caller: Caller, site: Site) -> None:
    site.answer = lambda _: as_json('{"a": [1, 2.5, null]}')
    assert await caller.get(site.base) == {"a": [1, 2.5, None]}
    assert await caller.get(site.base, output="raw") == base64.b64encode(b'{"a": [1, 2.5, null]}').decode()
    whole = await caller.get(site.base + "/x", output="response", headers={"Authorization": "Bearer x"})
    assert isinstance(whole, dict)
    assert whole["statusCode"] == 200
    assert whole["content"] == {"a": [1, 2.5, None]}
    assert whole["headers"]["content-type"] == "application/json"
    assert whole["request"]["method"] == "GET"
    assert whole["request"]["uri"] == f"{site.base}/x"
    assert whole["request"]["headers"]["authorization"] == "[hidden]"
    site.answer = lambda _: Answer(204)
    assert await caller.get(site.base) is None
    site.answer = lambda _: Answer(200, "Grüße".encode(), {"Content-Type": "text/plain"})
    assert await caller.get(site.base) == "Grüße"
    site.answer = lambda _: Answer(
        200, gzip.compress(b"[1]"), {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    assert await caller.get(site.base) == [1]
    site.answer = lambda _: Answer(200, b"\x89PNG\0", {"Content-Type": "image/png"})
    assert await caller.get(site.base) == base64.b64encode(b"\x89PNG\0").decode()


async def test_an_error_status_is_an_error_with_that_status(caller: Caller, site: Site) -> None:
    site.answer = lambda _: as_json('{"why": "no such order"}', 404)
    wrong = await caller.fails(f"{site.base}/orders/9?key=k")
    assert (wrong.kind, wrong.status) == ("communication", 404)
    assert wrong.error["instance"] == "/do/0/a"
    assert "no such order" in str(wrong.error["detail"])
    assert "key=k" not in str(wrong)


async def test_redirects_are_errors_unless_they_are_wanted(caller: Caller, site: Site) -> None:
    def answer(request: Request) -> Answer:
        return as_json('"there"') if request.path == "/there" else Answer(307, headers={"Location": "/there"})

    site.answer = answer
    wrong = await caller.fails(site.base)
    assert (wrong.kind, wrong.status) == ("communication", 307)
    assert await caller.get(site.base, redirect=True, method="post", body={"a": 1}) == "there"
    assert [(each.method, each.body) for each in site.requests[-2:]] == [("POST", b'{"a": 1}')] * 2
    site.answer = lambda request: as_json("1") if request.path == "/x" else Answer(303, headers={"Location": "/x"})
    assert await caller.get(site.base, redirect=True, method="post", body={"a": 1}) == 1
    assert [(each.method, each.body) for each in site.requests[-1:]] == [("GET", b"")]
    site.answer = lambda _: Answer(302, headers={"Location": "/again"})
    assert "leads on more than" in str(await caller.fails(site.base, redirect=True))


async def test_a_redirect_to_this_machine_is_not_followed_unless_the_policy_opens_it(site: Site) -> None:
    async with served() as other:
        other.answer = lambda _: as_json('"inside"')
        site.answer = lambda _: Answer(302, headers={"Location": other.base})
        wrong = await Caller(site).fails(site.base, redirect=True, headers={"Authorization": "Bearer x"})
        assert wrong.kind == "authorization"
        assert "127.0.0.1" in str(wrong)
        assert other.requests == []
        opened = Policy(network=Network(mode=Network.MODE_OPEN))
        headers = {"Authorization": "Bearer x"}
        assert await Caller(site, opened).get(site.base, redirect=True, headers=headers) == "inside"
        assert "authorization" not in other.requests[-1].headers


async def test_a_host_that_came_with_data_is_not_of_this_machine(site: Site) -> None:
    wrong = await Caller(site, document='{"do": ["${ $input.url }"]}').fails(site.base)
    assert wrong.kind == "authorization"
    for document in (
        '{"do": [{"call": "http", "with": {"endpoint": "${ \\"http://127.0.0.1:\\" + $input.port }"}}]}',
        '{"do": [{"with": {"endpoint": "http://127.0.0.1:{port}/x"}}]}',
        json.dumps({"with": {"uri": f"{site.base}/{{id}}"}}),
    ):
        assert await Caller(site, document=document).get(site.base) is None
    named = Policy(network=Network(mode=Network.MODE_HOSTS, hosts=[f"127.0.0.1:{site.port}"]))
    assert await Caller(site, named, document="{}").get(site.base) is None
    for policy in (
        Policy(network=Network(mode=Network.MODE_CLOSED)),
        Policy(network=Network(mode=Network.MODE_HOSTS, hosts=["example.org"])),
        Policy(rules=[Policy.Rule(host=f"127.0.0.1:{site.port}", decision=Policy.DECISION_DENY)]),
    ):
        assert (await Caller(site, policy).fails(site.base)).kind == "authorization"


async def test_what_is_no_answer_is_a_clear_error(caller: Caller, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answer = lambda _: as_json("{not json")
    wrong = await caller.fails(site.base)
    assert (wrong.kind, wrong.status) == ("communication", 502)
    assert "{not json" in str(wrong)
    site.answer = lambda _: as_json("[" * 100_000)
    assert "deep" in str(await caller.fails(site.base))
    monkeypatch.setattr(web, "LARGEST_BODY", 1000)
    site.answer = lambda _: Answer(200, gzip.compress(b"a" * 100_000), {"Content-Encoding": "gzip"})
    assert "longer than" in str(await caller.fails(site.base))

    async def hang(_: Request) -> Answer:
        await asyncio.sleep(60)
        return Answer()

    site.answer = hang
    monkeypatch.setattr(web, "SECONDS", 0.2)
    request = web.Outgoing("GET", web.url_of(site.base), web.httpx2.Headers(), seconds=0.2)
    with pytest.raises(web.TaskProblem) as found:
        await web.exchange(Reach(Policy(), site.base), request, trusted=True)
    assert found.value.kind.type.endswith("/timeout")
    for url, word in (
        ("ftp://x/", "no address"),
        ("http://127.0.0.1:1/", "came to nothing"),
        ("nonsense", "no address"),
    ):
        document = json.dumps([url])
        assert word in str(await Caller(site, document=document).fails(url))
    assert "line break" in str(await caller.fails(site.base, headers={"X": "a\r\nB: c"}))


async def test_secrets_are_put_in_and_taken_out(caller: Caller, site: Site) -> None:
    site.answer = lambda request: as_json(
        json.dumps({"echo": request.headers.get("x-key", ""), "marker": secret_marker("KEY")})
    )
    output = await caller.get(f"{site.base}/{secret_marker('KEY')}", headers={"X-Key": f"v={secret_marker('KEY')}"})
    assert site.requests[-1].headers["x-key"] == f"v={KEY}"
    assert site.requests[-1].path == f"/{KEY}"
    # Whoever answers with a reference does not have the secret sent to them next time.
    assert output == {"echo": "v=[secret KEY]", "marker": "{stigmer-secret:KEY}"}
    site.answer = lambda request: as_json(json.dumps(request.path), 500)
    wrong = await caller.fails(f"{site.base}/{secret_marker('KEY')}")
    assert KEY not in str(wrong)
    assert "[secret KEY]" in str(wrong)
    wrong = await caller.fails(site.base, headers={"X": secret_marker("OTHER")})
    assert wrong.kind == "configuration"
    assert "OTHER" in str(wrong)


async def test_proofs(caller: Caller, site: Site) -> None:
    async def proved(proof: Mapping[str, object]) -> str:
        await caller.bench.do(caller.work, {"method": "get", "endpoint": {"uri": site.base}}, proof=proof)
        return site.requests[-1].headers["authorization"]

    basic = "Basic " + base64.b64encode(f"ada:{KEY}".encode()).decode()
    assert await proved({"basic": {"username": "ada", "password": secret_marker("KEY")}}) == basic
    assert await proved({"basic": {"use": secret_marker("LOGIN")}}) == basic
    assert await proved({"bearer": {"token": secret_marker("KEY")}}) == f"Bearer {KEY}"

    def digest(request: Request) -> Answer:
        if "authorization" in request.headers:
            return as_json("1")
        return Answer(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'})

    site.answer = digest
    assert 'username="ada"' in await proved({"digest": {"username": "ada", "password": "x"}})
    incomplete: list[Mapping[str, object]] = [
        {"basic": {"username": "a"}},
        {"certificate": {"use": "x"}},
        {"basic": {}, "bearer": {}},
        {"basic": {"use": "x"}},
    ]
    for proof in incomplete:
        wrong = await caller.bench.wrong(caller.work, {"method": "get", "endpoint": {"uri": site.base}}, proof=proof)
        assert wrong.kind == "configuration"


@pytest.mark.parametrize("kind", ["oauth2", "oidc"])
async def test_tokens_are_fetched_once_and_never_shown(caller: Caller, site: Site, kind: str) -> None:
    token = "token-that-was-handed-out"

    def answer(request: Request) -> Answer:
        match request.path:
            case "/.well-known/openid-configuration":
                return as_json(json.dumps({"token_endpoint": f"{site.base}/oauth2/token"}))
            case "/oauth2/token":
                return as_json(json.dumps({"access_token": token, "expires_in": 3600}))
            case _:
                return as_json(json.dumps(request.headers["authorization"]))

    site.answer = answer
    client = {"id": "me", "secret": secret_marker("KEY")}
    proof = {kind: {"authority": site.base, "grant": "client_credentials", "client": client, "scopes": ["read"]}}
    arguments = {"method": "get", "endpoint": {"uri": f"{site.base}/data"}}
    for _ in range(2):
        assert await caller.bench.do(caller.work, arguments, proof=proof) == "Bearer [secret access token]"
    asked = [each for each in site.requests if each.path == "/oauth2/token"]
    assert [each.body for each in asked] == [
        f"grant_type=client_credentials&scope=read&client_id=me&client_secret={KEY}".encode()
    ]
    site.answer = lambda _: as_json('{"error": "invalid_client"}', 401)
    wrong = await caller.bench.wrong(caller.work, arguments, proof={kind: {**proof[kind], "scopes": ["write"]}})
    assert wrong.kind == "authentication"
