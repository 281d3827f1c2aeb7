"""Pages of the web, and addresses that nobody should reach."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.policy.hosts import fits, host_of
from stigmer_runner.tools.interface import ToolArgumentError, ToolError
from stigmer_runner.tools.preparing import Decision
from stigmer_runner.tools.web.addresses import checked_addresses, is_public
from stigmer_runner.tools.web.fetch import certificates, target_of
from tests.tools.bench import ToolBench
from tests.tools.certificates import make_certificate


class Site:
    """A server on loopback that answers as a test says; `heads` are the requests."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.answers: dict[str, bytes] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        path = head.split(b" ")[1].decode()
        writer.write(self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            return

    def page(self, path: str, body: bytes, media_type: str = "text/html; charset=utf-8", *more: str) -> None:
        """What is at `path`."""
        lines = [
            "HTTP/1.1 200 OK",
            f"Content-Type: {media_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *more,
        ]
        self.answers[path] = "\r\n".join([*lines, "", ""]).encode() + body

    def leads(self, path: str, to: str) -> None:
        """`path` leads on."""
        self.answers[path] = (
            f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    server.close()
    await server.wait_closed()


@pytest.fixture
def opened(files: ToolBench, site: Site) -> ToolBench:
    """Tools that may reach the site by its name, which leads to loopback."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host.endswith(".test"):
            return ["127.0.0.1"]
        raise OSError("no such name")

    files.session.resolve = resolve
    files.policy.network.mode = Network.MODE_HOSTS
    files.policy.network.hosts.append(f"site.test:{site.port}")
    return files


async def test_a_page_is_read_as_text(opened: ToolBench, site: Site) -> None:
    html = (
        b"<!doctype html><html><head><title>A  page</title><script>evil()</script></head><body><h1>Top</h1><p>First &amp; "
        b"<a href='/x'>link</a>.</p><ul><li>one<li>two</ul><pre>  code\n    more</pre><style>p{}</style></body></html>"
    )
    site.page("/a", html)
    told = await opened.text("fetch", url=f"http://site.test:{site.port}/a")
    assert told.startswith(f"http://site.test:{site.port}/a: 200, text/html\n\nA page\n\n# Top")
    assert "First & link (/x)." in told
    assert "- one\n- two" in told
    assert "evil" not in told
    assert f"Host: site.test:{site.port}".encode() in site.heads[0]
    part = await opened.text("fetch", url=f"http://site.test:{site.port}/a", offset=0, length=4)
    assert "A pa\n(" in part


async def test_what_is_no_html_comes_as_it_is(opened: ToolBench, site: Site) -> None:
    site.page("/json", b'{"a": 1}', "application/json")
    assert '{"a": 1}' in await opened.text("fetch", url=f"http://site.test:{site.port}/json")
    site.page("/latin", "straße".encode("latin-1"), "text/plain; charset=iso-8859-1")
    assert "straße" in await opened.text("fetch", url=f"http://site.test:{site.port}/latin")
    site.page("/bytes", b"\0\1\2", "application/octet-stream")
    assert "no text" in await opened.error("fetch", url=f"http://site.test:{site.port}/bytes")
    assert "404" in await opened.error("fetch", url=f"http://site.test:{site.port}/gone")


async def test_a_body_is_read_up_to_a_limit_also_where_it_is_packed(opened: ToolBench, site: Site) -> None:
    site.page("/bomb", gzip.compress(b"x" * 50_000_000), "text/plain", "Content-Encoding: gzip")
    told = await opened.text("fetch", url=f"http://site.test:{site.port}/bomb", length=10)
    assert "only the first 5,242,880 bytes were read" in told


async def test_redirects_are_decided_about_again(opened: ToolBench, site: Site) -> None:
    here = f"http://site.test:{site.port}"
    site.page("/end", b"the end", "text/plain")
    site.leads("/one", "/end")
    site.leads("/evil", "http://evil.test/")
    site.leads("/metadata", "http://169.254.169.254/latest")
    site.leads("/file", "file:///etc/passwd")
    site.leads("/loop", "/loop")
    assert "the end" in await opened.text("fetch", url=f"{here}/one")
    assert "leads on to http://evil.test/" in await opened.error("fetch", url=f"{here}/evil")
    assert "leads on to http://169.254.169.254" in await opened.error("fetch", url=f"{here}/metadata")
    assert "has to begin with https" in await opened.error("fetch", url=f"{here}/file")
    assert "more than 3 times" in await opened.error("fetch", url=f"{here}/loop")
    assert len(site.heads) == 2 + 1 + 1 + 1 + 4


async def test_a_name_that_leads_to_a_private_address_is_refused(opened: ToolBench, site: Site) -> None:
    opened.policy.rules.append(Policy.Rule(decision=Policy.DECISION_ALLOW, host="*.test"))
    assert "of a private network" in await opened.error("fetch", url=f"http://other.test:{site.port}/")
    assert site.heads == []
    assert "cannot be resolved" in await opened.error("fetch", url="http://nowhere.example/")


async def test_a_server_that_says_nothing_is_given_up(
    opened: ToolBench, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stigmer_runner.tools.web.fetch.SECONDS", 0.3)
    site.answers["/slow"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    opened.policy.network.hosts.append(f"site.test:{port}")
    assert "was given up" in await opened.error("fetch", url=f"http://site.test:{port}/")
    server.close()
    await server.wait_closed()


async def test_a_certificate_is_checked_against_the_name(
    opened: ToolBench, short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = make_certificate(short_tmp, "site.test")
    security = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    security.load_cert_chain(public, private)
    secure = Site()
    secure.page("/", b"secure", "text/plain")
    server = await asyncio.start_server(secure.serve, "127.0.0.1", 0, ssl=security)
    port = server.sockets[0].getsockname()[1]
    opened.policy.network.hosts.extend([f"site.test:{port}", f"other.test:{port}"])
    certificates.cache_clear()
    assert "CERTIFICATE_VERIFY_FAILED" in await opened.error("fetch", url=f"https://site.test:{port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    certificates.cache_clear()
    assert (await opened.text("fetch", url=f"https://site.test:{port}/")).endswith("secure")
    assert "not valid for 'other.test'" in await opened.error("fetch", url=f"https://other.test:{port}/")
    certificates.cache_clear()
    server.close()
    await server.wait_closed()


async def test_hosts_are_decided_by_policy(files: ToolBench) -> None:
    async def decided(url: str) -> Decision:
        return (await files.prepare("fetch", url=url)).decision

    assert await decided("https://example.org/") is Decision.ASK
    files.policy.network.mode = Network.MODE_HOSTS
    files.policy.network.hosts.extend(["example.org", "*.example.com:8080"])
    assert await decided("https://example.org/x") is Decision.ALLOW
    assert await decided("https://EXAMPLE.org./x") is Decision.ALLOW
    assert await decided("https://example.org:8443/x") is Decision.ASK
    assert await decided("https://a.example.org/") is Decision.ASK
    assert await decided("http://a.b.example.com:8080/") is Decision.ALLOW
    assert await decided("http://example.com:8080/") is Decision.ASK
    assert await decided("https://example.org.evil.com/") is Decision.ASK
    files.policy.network.mode = Network.MODE_CLOSED
    assert await decided("https://example.org/x") is Decision.DENY
    files.policy.network.mode = Network.MODE_OPEN
    assert await decided("https://other.net/") is Decision.ALLOW
    files.policy.rules.append(Policy.Rule(decision=Policy.DECISION_DENY, host="*.net"))
    assert await decided("https://other.net/") is Decision.DENY
    files.policy.preset = "auto"
    files.policy.network.mode = Network.MODE_UNSPECIFIED
    assert await decided("https://example.org/") is Decision.ASK


REFUSED = (
    "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/", "http://0/", "http://0x7f.1/", "http://127.0.1/",
    "http://user@example.org/", "http://user:pass@example.org/", "http://example.org@evil.com/", "http://evil.com#@example.org/x y",
    "file:///etc/passwd", "ftp://example.org/", "gopher://x/", "unix:/run/x.sock", "http:///x", "http://", "http://-x.org/", "http://a..b/",
    "http://example.org\\@evil.com/", "http://exa mple.org/", "http://example.org\t/", "http://example.org\n/", "http://[::1", "javascript:x",
    "data:text/html,x", "//example.org/x", "example.org", "http://1.2.3.4.5/", "http://%31%32%37.0.0.1/", "http://ex\u202eample.org/",
    "http://" + "a" * 300 + ".org/", "http://256.256.256.256/", "http://\x00/", "http://a_b$.org/", "https://example.org:99999/", "",
)  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_no_host_can_be_told_of_is_refused(url: str) -> None:
    with pytest.raises(ToolArgumentError):
        target_of(url)


PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "192.0.0.1", "192.0.2.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:db8::1", "100::1",
    "not an address",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
async def test_private_addresses_are_told_in_every_form(address: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", address]

    assert not is_public(address)
    with pytest.raises(ToolError, match="private network"):
        await checked_addresses("x.test", 80, named=False, resolve=resolve)
    assert await checked_addresses("x.test", 80, named=True, resolve=resolve)


def test_public_addresses_are_public() -> None:
    for address in ("93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert is_public(address)


def test_names_are_read_one_way() -> None:
    assert host_of("Example.ORG.") == "example.org"
    assert host_of("[::1]") == "::1"
    assert host_of("0:0:0:0:0:0:0:1") == "::1"
    assert host_of("bücher.example") == "xn--bcher-kva.example"
    assert host_of("evil\0.allowed.com") is None
    assert fits("*.example.org", "a.example.org", 443)
    assert not fits("*.example.org", "aexample.org", 443)
    assert not fits("example.org", "example.org", 22)
    assert fits("[::1]:80", "::1", 80)
