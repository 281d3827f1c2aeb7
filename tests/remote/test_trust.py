"""Whom a client of another machine trusts, and what it says of everybody else."""

import asyncio
import datetime as dt
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from stigmer_apis.api_keys import compose, parse
from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.client.remote import Remote
from stigmer_apis.config import Server
from stigmer_apis.errors import (
    ConfigError,
    InvalidArgument,
    NotRunning,
    NotStigmer,
    NotTrusted,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from stigmer_apis.home import Home
from stigmer_apis.protocol import AUTHORIZATION, TLS_NAME
from stigmer_apis.transport import aio, grpc
from stigmer_backend.access import Role
from stigmer_backend.access.api_keys import ApiKeys
from stigmer_backend.access.authority import fingerprint_of, given_credentials, own_credentials
from stigmer_backend.access.errors import AuthorityUnusable, TokensUnreadable
from stigmer_backend.daemon.network import Address, NetworkDoor, NetworkListener
from stigmer_backend.daemon.networking import Network
from tests.remote.served import NOW, networked


async def test_a_run_is_created_and_read_over_tls(short_tmp: Path) -> None:
    async with networked(short_tmp) as server, server.client() as client:
        assert client.server_info.role == "operator"
        execution = await client.run("shell", "true")
        listed = await client.list_executions()
        assert [row.execution_id for row in listed.executions] == [execution.metadata.id]


async def test_a_viewer_reads_and_changes_nothing(short_tmp: Path) -> None:
    async with networked(short_tmp) as server, server.client(server.key(Role.VIEWER)) as client:
        assert (await client.list_executions()).total == 0
        with pytest.raises(PermissionDenied, match=r"the role viewer may not .*: that takes the role operator"):
            await client.run("shell", "true")


async def test_unknown_revoked_and_expired_keys_open_nothing(short_tmp: Path) -> None:
    async with networked(short_tmp) as server:
        fingerprint = server.credentials.fingerprint
        with pytest.raises(Unauthenticated, match="not known"):
            async with server.client(compose(b"x" * 32, fingerprint)):
                pass
        key = server.key(name="laptop")
        server.keys.revoke("laptop")
        with pytest.raises(Unauthenticated):
            async with server.client(key):
                pass
        past = int(time.time() * 1e6) - 1
        with pytest.raises(Unauthenticated, match="expired on 20"):
            async with server.client(server.key(name="old", expires_micros=past)):
                pass
        local = server.served.home.operator_token.read_text().strip()
        with pytest.raises(InvalidArgument, match="no API key") as refused:
            Remote(server.endpoint, local)
        assert local not in str(refused.value)


async def test_a_key_is_shown_to_nobody_but_its_server(short_tmp: Path) -> None:
    """Somebody else, with certificates of their own, listens where the server was: the key does not reach them."""
    (short_tmp / "other").mkdir()
    theirs = own_credentials(short_tmp / "other", "127.0.0.1", NOW)
    (short_tmp / "h").mkdir()
    async with networked(short_tmp / "h", credentials=theirs) as impostor:
        key = compose(b"k" * 32, b"f" * 32)
        with pytest.raises(NotTrusted, match="not the one that the key was made on"):
            async with impostor.client(key):
                pass
        without = compose(b"k" * 32, None)
        with pytest.raises(NotTrusted, match="not good"):
            async with impostor.client(without):
                pass


async def test_certificates_of_another_time_are_refused_with_words(short_tmp: Path) -> None:
    """The clocks are ten years apart."""
    (short_tmp / "old").mkdir()
    old = own_credentials(short_tmp / "old", "127.0.0.1", NOW - dt.timedelta(days=3000))
    (short_tmp / "h").mkdir()
    async with networked(short_tmp / "h", credentials=old) as server:
        with pytest.raises(NotTrusted, match="clocks"):
            async with server.client():
                pass


async def test_a_certificate_of_the_persons_that_ran_out_is_told_on_both_sides(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (short_tmp / "old").mkdir()
    old = own_credentials(short_tmp / "old", "127.0.0.1", NOW - dt.timedelta(days=3000))
    certificate, key = short_tmp / "cert.pem", short_tmp / "key.pem"
    certificate.write_bytes(old.certificate)
    key.write_bytes(old.key)
    home = Home.at(short_tmp / "h", {})
    home.prepare()
    settings = Server(listen="127.0.0.1:7443", tls_cert=certificate, tls_key=key)
    network = Network.prepare(home, settings)
    network.add_doors([], [], [], [])
    (told,) = network.addresses
    assert "its certificate ran out on" in told
    monkeypatch.setenv("SSL_CERT_FILE", str(short_tmp / "old" / "tls" / "authority.pem"))
    (short_tmp / "s").mkdir()
    async with networked(short_tmp / "s", credentials=given_credentials(certificate, key)) as server:
        with pytest.raises(NotTrusted, match="expired") as refused:
            async with server.client(compose(b"k" * 32, None)):
                pass
        assert "server.tls_cert" in str(refused.value.remedy)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(NotTrusted) as refused:
            async with server.client(compose(b"k" * 32, None)):
                pass
        assert "SSL_CERT_FILE" in str(refused.value.remedy)
    key.write_bytes(own_credentials(short_tmp / "s", "127.0.0.1", NOW).key)
    with pytest.raises(AuthorityUnusable, match="not the key of"):
        Network.prepare(home, settings)


@asynccontextmanager
async def answering(
    answer: Callable[[asyncio.StreamWriter], None], tls: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[str, bytearray]]:
    """Something else that listens, and what it is sent, within TLS where there is some."""
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer(writer)
        received.extend(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", received


async def test_what_speaks_no_tls_gets_no_key(short_tmp: Path) -> None:
    key = compose(b"k" * 32, b"f" * 32)
    async with answering(lambda writer: writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (endpoint, received):
        with pytest.raises(NotStigmer, match="no TLS"):
            async with Client(remote=Remote(endpoint, key), options=ClientOptions(patience=0)):
                pass
    assert key.encode() not in received


@pytest.mark.parametrize("agrees_to", [None, "http/1.1", "h2"])
async def test_a_server_that_speaks_another_http_within_tls_gets_no_key(short_tmp: Path, agrees_to: str | None) -> None:
    """With the right certificate even, as a proxy in between has it that passes HTTP/1.1 on alone."""
    credentials = own_credentials(short_tmp, "127.0.0.1", NOW)
    (short_tmp / "certificate").write_bytes(credentials.certificate)
    (short_tmp / "key").write_bytes(credentials.key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(short_tmp / "certificate", short_tmp / "key")
    if agrees_to is not None:
        tls.set_alpn_protocols([agrees_to])
    key = compose(b"k" * 32, credentials.fingerprint)
    async with answering(lambda writer: writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), tls) as (endpoint, received):
        with pytest.raises(NotStigmer, match="not HTTP/2, so it got no key"):
            async with Client(remote=Remote(endpoint, key), options=ClientOptions(patience=0)):
                pass
    assert key.encode() not in received


async def test_nobody_there(short_tmp: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises((NotRunning, Unavailable), match="no server is reached"):
            async with Client(
                remote=Remote(endpoint, compose(b"k" * 32, b"f" * 32)), options=ClientOptions(patience=0)
            ):
                pass


async def test_a_client_is_there_again_when_the_server_is(short_tmp: Path) -> None:
    async with networked(short_tmp) as first:
        key, port = first.key(), first.listener.port
        client = first.client(key, patience=20.0)
        await client.__aenter__()
    try:
        with pytest.raises(Unavailable):
            async with asyncio.timeout(30):
                await Client(
                    first.served.home, remote=Remote(f"127.0.0.1:{port}", key), options=ClientOptions(patience=0)
                ).__aenter__()
        async with networked(short_tmp, port=port):
            assert (await client.list_executions()).total == 0
    finally:
        await client.__aexit__(None, None, None)


async def test_reflection_tells_what_there_is(short_tmp: Path) -> None:
    async with networked(short_tmp) as server:
        options = [("grpc.ssl_target_name_override", TLS_NAME)]
        roots = server.credentials.certificate
        channel = aio.secure_channel(server.endpoint, grpc.ssl_channel_credentials(roots), options=options)
        asked = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]),
            metadata=((AUTHORIZATION, f"Bearer {server.key(Role.VIEWER)}"),),
        )
        answers = [answer async for answer in asked]
        names = {service.name for service in answers[0].list_services_response.service}
        await channel.close()
        assert {"stigmer.access.v1.ApiKeyService", "ai.stigmer.agentic.agent.v1.AgentQueryController"} <= names


@pytest.mark.parametrize("endpoint", ["", "host", "host:", "host:0", "host:70000", "https://host:1", ":7443", "host:x"])
def test_what_is_no_address(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="no address"):
        Remote(endpoint, compose(b"k" * 32, None))


def test_an_address_that_others_reach_takes_tls(tmp_path: Path) -> None:
    door = NetworkDoor(Address.parse("0.0.0.0:0"), frozenset({Role.OPERATOR}), [], None)
    with pytest.raises(ConfigError, match="takes TLS and API keys"):
        NetworkListener(door, ApiKeys(tmp_path / "keys.json"), [], [])
    assert Address.parse("[::1]:7443").is_loopback
    assert not Address.parse(":7443").is_loopback


def test_the_authority_stays_and_the_certificate_is_renewed(tmp_path: Path) -> None:
    first = own_credentials(tmp_path, "box.example", NOW)
    assert own_credentials(tmp_path, "box.example", NOW).certificate == first.certificate
    later = own_credentials(tmp_path, "box.example", NOW + dt.timedelta(days=380))
    assert later.certificate != first.certificate
    assert later.fingerprint == first.fingerprint
    server, authority = x509.load_pem_x509_certificates(later.certificate)
    assert fingerprint_of(authority) == later.fingerprint
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"box.example", TLS_NAME, "localhost"} <= set(names.get_values_for_type(x509.DNSName))
    for file in (tmp_path / "tls").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    (tmp_path / "tls/authority.pem").write_text("torn")
    with pytest.raises(AuthorityUnusable, match=r"authority\.pem"):
        own_credentials(tmp_path, "box.example", NOW)
    assert ssl.HAS_TLSv1_3


def test_keys_are_kept_as_hashes_and_known_again(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    known, key = ApiKeys(path).create("laptop", Role.OPERATOR, 0, b"f" * 32)
    assert parse(key).fingerprint == b"f" * 32
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    again = ApiKeys(path)
    found = again.authenticate(key)
    assert found is not None
    assert (found.role, found.name) == (Role.OPERATOR, "API key laptop")
    assert again.authenticate(f"{key}x") is None
    assert again.authenticate("x" * 10_000) is None
    assert again.revoke(known.key_id) == known
    assert ApiKeys(path).authenticate(key) is None
    path.write_text('{"format": 1, "keys": [{}]}')
    with pytest.raises(TokensUnreadable):
        ApiKeys(path)
