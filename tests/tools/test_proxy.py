"""Commands that may reach some hosts and no others, behind walls, by the one port that they have."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from tests.support.require import require_tool
from tests.tools.bench import ToolBench


@pytest_asyncio.fixture
async def site(walled_bench: ToolBench) -> AsyncIterator[int]:
    """A server on this machine's loopback that greets; the policy opens it under one name."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b"hello " + head.split(b"\r\n")[0] + b"\n"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host in ("allowed.test", "private.sub.test"):
            return ["127.0.0.1"]
        raise OSError("no such name")

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    walled_bench.session.resolve = resolve
    walled_bench.policy.network.mode = Network.MODE_HOSTS
    walled_bench.policy.network.hosts.extend([f"allowed.test:{port}", f"*.sub.test:{port}"])
    yield port
    server.close()
    await server.wait_closed()


async def test_a_host_that_is_open_is_reached_and_no_other(walled_bench: ToolBench, site: int) -> None:
    require_tool("curl")
    curl = "/usr/bin/curl -sS -m 20"
    told = await walled_bench.text("shell", command=f"{curl} http://allowed.test:{site}/a?b=c")
    assert told.startswith("hello GET /a?b=c HTTP/1.1\n")
    told = await walled_bench.text("shell", command=f"{curl} -p http://allowed.test:{site}/tunnel")
    assert told.startswith("hello GET /tunnel HTTP/1.1\n")
    told = await walled_bench.text("shell", command=f"{curl} http://evil.test/; {curl} https://evil.test/")
    assert "stigmer: the policy does not open evil.test:80" in told
    assert "403" in told
    assert "the policy does not open evil.test:80, evil.test:443" in told


async def test_there_is_no_other_route(walled_bench: ToolBench, site: int) -> None:
    line = f"""
    (echo >/dev/tcp/127.0.0.1/{site}) 2>&1 | grep -om1 refused
    (echo >/dev/tcp/1.1.1.1/53) 2>&1 | grep -om1 unreachable
    (echo >/dev/udp/8.8.8.8/53) 2>&1 | grep -om1 unreachable
    /usr/bin/curl -sS -m 5 --noproxy '*' http://allowed.test:{site}/ 2>&1 | grep -om1 'Could not resolve'
    """
    told = await walled_bench.text("shell", command=line)
    assert told.splitlines()[:4] == ["refused", "unreachable", "unreachable", "Could not resolve"]


async def test_a_name_below_that_leads_home_is_refused(walled_bench: ToolBench, site: int) -> None:
    told = await walled_bench.text("shell", command=f"/usr/bin/curl -sS -m 20 http://private.sub.test:{site}/")
    assert "private network" in told


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT evil.test\\0.allowed.test:{port} HTTP/1.1",
        "CONNECT allowed.test:{port}@evil.test HTTP/1.1",
        "CONNECT allowed.test HTTP/1.1",
        "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "CONNECT 2130706433:{port} HTTP/1.1",
        "CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1",
        "GET http://allowed.test:{port}@evil.test/ HTTP/1.1",
        "GET http://evil.test/ HTTP/1.1\\r\\nHost: allowed.test:{port}",
        "GET https://allowed.test:{port}/ HTTP/1.1",
        "GET /x HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1",
        "nonsense",
        "CONNECT allowed.test:22 HTTP/1.1",
    ],
)
async def test_tricks_at_the_proxy_reach_nothing(walled_bench: ToolBench, site: int, request_line: str) -> None:
    sent = request_line.format(port=site)
    line = f"exec 3<>/dev/tcp/127.0.0.1/3128; printf '{sent}\\r\\n\\r\\n' >&3; timeout 5 head -c 400 <&3"
    told = await walled_bench.text("shell", command=line)
    assert told.startswith(("HTTP/1.1 403", "HTTP/1.1 400")), told
    assert "hello" not in told


async def test_a_background_command_keeps_its_way_out(walled_bench: ToolBench, site: int) -> None:
    line = f"read go; /usr/bin/curl -sS -m 20 http://allowed.test:{site}/later"
    result = await walled_bench.call("shell", command=line, wait=0.2)
    assert result.details is not None
    told = await walled_bench.text("shell_input", id=result.details.background_id, text="go", wait=20)
    assert "hello GET /later" in told
