"""HTTPS: a certificate that is trusted, and one that is not."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import ModelError, ModelErrorCode
from stigmer_runner.models.scripted import Script, ScriptedProvider, Turn
from tests.models.conftest import Keys, collect, request


def certificate(directory: Path, address: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `address` that signs itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scripted")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return path, context


async def test_a_trusted_server_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider_name: str) -> None:
    path, context = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with ScriptedProvider(Script.of(Turn("Hello.")), tls=context) as provider:
        config = ModelConfig(base_urls={provider_name: f"{provider.url}/v1"})
        async with ProviderModels(config, Keys()) as models:
            for _ in range(2):
                _, done = await collect(models, request(provider_name))
                assert done.message.text == "Hello."
            assert provider.open_connections == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_a_server_that_is_not_trusted_is_told_nothing(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider_name: str
) -> None:
    path, context = certificate(tmp_path, address)
    if address != "127.0.0.1":
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with ScriptedProvider(Script.of(Turn("Hello.")), tls=context) as provider:
        config = ModelConfig(base_urls={provider_name: f"{provider.url}/v1"})
        async with ProviderModels(config, Keys()) as models:
            with pytest.raises(ModelError) as caught:
                await collect(models, request(provider_name))
        assert not provider.requests
    assert caught.value.code is ModelErrorCode.UNREACHABLE
    assert "certificate is not trusted" in caught.value.message


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, provider_name: str) -> None:
    async with (
        ScriptedProvider(Script.of(Turn("I am a proxy."))) as proxy,
        ScriptedProvider(Script.of(Turn("Hello."))) as provider,
    ):
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        config = ModelConfig(base_urls={provider_name: f"{provider.url}/v1"})
        async with ProviderModels(config, Keys()) as models:
            _, done = await collect(models, request(provider_name))
        assert done.message.text == "Hello."
        assert not proxy.requests


async def test_variables_of_the_libraries_change_nothing(monkeypatch: pytest.MonkeyPatch, provider_name: str) -> None:
    async with ScriptedProvider(Script.of(Turn("Hello."))) as provider:
        for variable in ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS"):
            monkeypatch.setenv(variable, "authorization: Bearer stolen\nx-told: yes")
        for variable in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "OLLAMA_BASE_URL"):
            monkeypatch.setenv(variable, "http://127.0.0.1:9")
        for variable in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "OLLAMA_API_KEY"):
            monkeypatch.setenv(variable, "of-the-environment")
        config = ModelConfig(base_urls={provider_name: f"{provider.url}/v1"})
        async with ProviderModels(config, Keys()) as models:
            await collect(models, request(provider_name))
        sent = str(dict(provider.requests[0].headers))
    assert "stolen" not in sent
    assert "x-told" not in sent
    assert "of-the-environment" not in sent
