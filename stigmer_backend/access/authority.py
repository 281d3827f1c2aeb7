"""The certificates of a server that listens on the network: signed by an authority of the home's own, or files of the person's.

The authority is made once and kept in `data/tls`. Its fingerprint travels in every API key, so that a client needs nothing else to know the server.
"""

import datetime as dt
import hashlib
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stigmer_apis.protocol import TLS_NAME
from stigmer_backend.access.errors import AuthorityUnusable
from stigmer_backend.access.private_file import write_private

FOLDER = "tls"
"""Below the data directory."""
AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
RENEW_DAYS = 30
"""A server's certificate that is good for less is made anew at the start."""
_BACKDATED = dt.timedelta(hours=1)
"""So far back certificates begin: clocks differ."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server shows."""

    certificate: bytes
    """PEM: the server's, and behind it those that lead to its authority."""
    key: bytes
    """PEM, unencrypted."""
    fingerprint: bytes | None
    """SHA-256 of our own authority's certificate; None with the person's files, for which the authorities of the client's machine stand."""
    until: dt.datetime | None = None
    """When the person's certificate runs out; None for ours, which is renewed."""


def own_credentials(data: Path, host: str, now: dt.datetime) -> Credentials:
    """Those of the home's own authority, for `host` and what this machine is called; made where they are missing, renewed where they run out.

    Blocking. Raises `AuthorityUnusable` for files that cannot be read, `OSError` where none can be written.
    """
    folder = data / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    authority, authority_key = _authority(folder, now)
    pem = _server(folder, authority, authority_key, _names(host), now)
    certificate = pem[0] + authority.public_bytes(serialization.Encoding.PEM)
    return Credentials(certificate, pem[1], fingerprint_of(authority))


def given_credentials(certificate: Path, key: Path) -> Credentials:
    """The person's own files. Blocking. Raises `AuthorityUnusable` where they cannot be read or do not belong together."""
    certificates = _load_certificates(certificate)
    private = _load_key(key)
    if _public(certificates[0].public_key()) != _public(private.public_key()):
        raise AuthorityUnusable(key, f"it is not the key of the certificate in {certificate}")
    return Credentials(certificate.read_bytes(), key.read_bytes(), None, certificates[0].not_valid_after_utc)


def fingerprint_of(certificate: x509.Certificate) -> bytes:
    """What an API key says of an authority: 32 bytes."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


def _authority(folder: Path, now: dt.datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_path, key_path = folder / "authority.pem", folder / "authority.key"
    if certificate_path.exists() and key_path.exists():
        key = _load_key(key_path)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityUnusable(key_path, "it is no key that Stigmer made")
        return _load_certificates(certificate_path)[0], key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stigmer authority")])
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(key_path, _pem(key).decode("ascii"))
    write_private(certificate_path, certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"))
    return certificate, key


def _server(
    folder: Path,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    now: dt.datetime,
) -> tuple[bytes, bytes]:
    certificate_path, key_path = folder / "server.pem", folder / "server.key"
    if certificate_path.exists() and key_path.exists():
        found = _load_certificates(certificate_path)[0]
        if _still_good(found, authority, names, now):
            return found.public_bytes(serialization.Encoding.PEM), key_path.read_bytes()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stigmer server")])
    certificate = (
        _builder(name, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    write_private(key_path, _pem(key).decode("ascii"))
    write_private(certificate_path, pem.decode("ascii"))
    return pem, _pem(key)


def _still_good(
    found: x509.Certificate, authority: x509.Certificate, names: list[x509.GeneralName], now: dt.datetime
) -> bool:
    if found.not_valid_after_utc < now + dt.timedelta(days=RENEW_DAYS) or found.not_valid_before_utc > now:
        return False
    try:
        found.verify_directly_issued_by(authority)
        there = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return all(name in list(there) for name in names)


def _names(host: str) -> list[x509.GeneralName]:
    """What the server may be called: a name of ours that every certificate has, this machine's, and what it listens on."""
    texts = [TLS_NAME, "localhost", "127.0.0.1", "::1", socket.gethostname(), host]
    names: list[x509.GeneralName] = []
    for text in dict.fromkeys(each for each in texts if each and each not in ("0.0.0.0", "::")):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            if text.isascii():
                names.append(x509.DNSName(text))
    return names


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _load_certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise AuthorityUnusable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise AuthorityUnusable(path, "it is no certificate in PEM") from error


def _load_key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise AuthorityUnusable(path, error.strerror or str(error)) from error
    except (ValueError, TypeError) as error:
        raise AuthorityUnusable(path, "it is no unencrypted private key in PEM") from error


def _pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
