"""How a call proves who is calling: basic, bearer, digest, OAuth 2 and OpenID Connect."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import cast

import httpx2

from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.secrets import Secrets
from stigmer_runner.workflow.web import Outgoing, exchange, url_of

_EARLY = 30.0
"""Seconds before its end that a token is taken for ended."""
_TOKEN_SECONDS = 60.0
"""How long a token endpoint may take."""
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_GRANTS = ("client_credentials", "password", "refresh_token", _EXCHANGE)
_CLIENTS = ("client_secret_post", "client_secret_basic", "none")


class Proofs:
    """The ways of one run to prove itself. Tokens that were handed out are kept in memory as long as they count."""

    def __init__(self, reach: Reach, secrets: Secrets) -> None:
        self._reach = reach
        self._secrets = secrets
        self._tokens: dict[str, tuple[str, float]] = {}

    async def of(self, authentication: Mapping[str, object]) -> httpx2.Auth | None:
        """What signs requests, from an authentication of the document whose marks are filled in; None for none.

        Raises `TaskProblem`.
        """
        match list(authentication.items()):
            case []:
                return None
            case [("basic", given)]:
                fields = self._fields(given)
                return httpx2.BasicAuth(_text(fields, "username"), _text(fields, "password"))
            case [("digest", given)]:
                fields = self._fields(given)
                return httpx2.DigestAuth(_text(fields, "username"), _text(fields, "password"))
            case [("bearer", given)]:
                return _Bearer(_text(self._fields(given), "token"))
            case [("oauth2" | "oidc" as kind, given)]:
                return _Bearer(await self._token(self._fields(given), discovered=kind == "oidc"))
            case [("certificate", _)]:
                raise TaskProblem(
                    Kind.CONFIGURATION,
                    "certificates as a proof of who is calling are not supported",
                    "use basic, bearer, digest, oauth2 or oidc",
                )
            case _:
                named = ", ".join(authentication)
                raise TaskProblem(Kind.CONFIGURATION, f"this is no single way to prove who is calling: {named[:200]}")

    async def header(self, authentication: Mapping[str, object]) -> str:
        """The same as the value of one header; empty for none. Raises `TaskProblem`, also for what needs more than that."""
        found = await self.of(authentication)
        if found is None:
            return ""
        if isinstance(found, httpx2.DigestAuth):
            raise TaskProblem(
                Kind.CONFIGURATION, "`digest` is a way of HTTP alone", "use basic, bearer, oauth2 or oidc"
            )
        signed = next(found.auth_flow(httpx2.Request("GET", "http://host/")))
        return signed.headers["Authorization"]

    def _fields(self, given: object) -> Mapping[str, object]:
        """What an authentication says, or the secret says that it uses whole."""
        if not isinstance(given, dict):
            raise TaskProblem(Kind.CONFIGURATION, "an authentication is a mapping")
        fields = cast("dict[str, object]", given)
        if list(fields) == ["use"]:
            return self._secrets.used(str(fields["use"]))
        return fields

    async def _token(self, fields: Mapping[str, object], *, discovered: bool) -> str:
        key = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        known = self._tokens.get(key)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        endpoint = await (self._discovered(fields) if discovered else _endpoint(fields))
        answer = await self._asked(endpoint, fields)
        token, lasts = answer.get("access_token") or answer.get("id_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise TaskProblem(Kind.AUTHENTICATION, f"{endpoint.host} handed out no token", "its answer names none")
        self._secrets.learn("access token", token)
        seconds = float(lasts) if isinstance(lasts, int | float | str) and str(lasts).isdigit() else 60.0
        self._tokens[key] = (token, time.monotonic() + seconds - _EARLY)
        return token

    async def _asked(self, endpoint: httpx2.URL, fields: Mapping[str, object]) -> Mapping[str, object]:
        form, auth = _form(fields)
        as_json = _below(fields, "request").get("encoding") == "application/json"
        headers = httpx2.Headers(
            {
                "Accept": "application/json",
                "Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded",
            }
        )
        body = json.dumps(form).encode() if as_json else str(httpx2.QueryParams(form)).encode()
        request = Outgoing("POST", endpoint, headers, body, auth, seconds=_TOKEN_SECONDS)
        return await self._json(request, trusted=self._named(fields))

    async def _discovered(self, fields: Mapping[str, object]) -> httpx2.URL:
        """Where OpenID Connect's own description says that tokens are had."""
        authority = str(_authority(fields)).rstrip("/")
        where = url_of(f"{authority}/.well-known/openid-configuration")
        request = Outgoing("GET", where, httpx2.Headers({"Accept": "application/json"}), seconds=_TOKEN_SECONDS)
        found = (await self._json(request, trusted=self._named(fields))).get("token_endpoint")
        if not isinstance(found, str):
            raise TaskProblem(Kind.AUTHENTICATION, f"{where.host} does not say where tokens are had")
        return url_of(found)

    def _named(self, fields: Mapping[str, object]) -> bool:
        """Whether the document names the authority, and so what belongs to it."""
        authority = _authority(fields)
        return self._reach.names(authority.host, authority.port or (443 if authority.scheme == "https" else 80))

    async def _json(self, request: Outgoing, *, trusted: bool) -> Mapping[str, object]:
        answer = await exchange(self._reach, request, trusted=trusted)
        if not 200 <= answer.status < 300:
            said = answer.body[:1000].decode("utf-8", "replace")
            raise TaskProblem(
                Kind.AUTHENTICATION, f"{request.url.host} handed out no token: {answer.status} {answer.reason}", said
            )
        try:
            value: object = json.loads(answer.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise TaskProblem(Kind.AUTHENTICATION, f"{request.url.host} handed out no token", "its answer is no JSON")
        return cast("dict[str, object]", value)


class _Bearer(httpx2.Auth):
    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx2.Request):
        request.headers["Authorization"] = self._header
        yield request


def _authority(fields: Mapping[str, object]) -> httpx2.URL:
    given = fields.get("authority")
    if isinstance(given, dict):
        given = cast("dict[str, object]", given).get("uri")
    if not isinstance(given, str):
        raise TaskProblem(Kind.CONFIGURATION, "the authentication names no `authority`")
    return url_of(given)


async def _endpoint(fields: Mapping[str, object]) -> httpx2.URL:
    """Where OAuth 2 tokens are had: `endpoints.token`, below the authority."""
    authority = _authority(fields)
    path = _below(fields, "endpoints").get("token", "/oauth2/token")
    if not isinstance(path, str):
        raise TaskProblem(Kind.CONFIGURATION, "`endpoints.token` is no text")
    if "://" in path:
        return url_of(path)
    return url_of(f"{str(authority).rstrip('/')}/{path.lstrip('/')}")


def _form(fields: Mapping[str, object]) -> tuple[dict[str, str], httpx2.Auth | None]:
    """What is asked for, and what signs it."""
    grant = str(fields.get("grant", "client_credentials"))
    if grant not in _GRANTS:
        raise TaskProblem(
            Kind.CONFIGURATION,
            f"the grant {grant[:100]!r} needs a person at a browser, or is not known",
            f"known are {', '.join(_GRANTS)}",
        )
    form = {"grant_type": grant}
    for key, name in (("scopes", "scope"), ("audiences", "audience")):
        given = fields.get(key)
        if isinstance(given, list) and given:
            form[name] = " ".join(str(each) for each in cast("Sequence[object]", given))
    if grant == "password":
        form |= {"username": _text(fields, "username"), "password": _text(fields, "password")}
    elif grant == "refresh_token":
        form["refresh_token"] = _text(_below(fields, "subject"), "token")
    elif grant == _EXCHANGE:
        for key in ("subject", "actor"):
            token = _below(fields, key)
            if token or key == "subject":
                form |= {f"{key}_token": _text(token, "token"), f"{key}_token_type": _text(token, "type")}
    return _with_client(form, _below(fields, "client"))


def _with_client(form: dict[str, str], client: Mapping[str, object]) -> tuple[dict[str, str], httpx2.Auth | None]:
    """`form` with what says which client asks, and what signs it."""
    if not client:
        return form, None
    way = str(client.get("authentication", "client_secret_post"))
    if way not in _CLIENTS:
        raise TaskProblem(
            Kind.CONFIGURATION,
            f"the client authentication {way[:100]!r} is not supported",
            f"use {', '.join(_CLIENTS)}",
        )
    name = _text(client, "id")
    if way == "client_secret_basic":
        return form, httpx2.BasicAuth(name, _text(client, "secret"))
    form["client_id"] = name
    if way == "client_secret_post" and "secret" in client:
        form["client_secret"] = _text(client, "secret")
    return form, None


def _below(fields: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = fields.get(key)
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _text(fields: Mapping[str, object], key: str) -> str:
    found = fields.get(key)
    if not isinstance(found, str) or not found:
        raise TaskProblem(Kind.CONFIGURATION, f"the authentication has no `{key}`")
    return found
