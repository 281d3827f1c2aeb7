"""Ollama's management: which models it has, getting one, whether it runs. Asking its models is the runner's.

`httpx2` is loaded with the first call, not with this module. Nothing goes through a proxy of the environment, and no
redirect is followed: what is at the address is meant.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from stigmer_apis.errors import Internal, InvalidArgument, NotFound, StigmerError, Unavailable

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL: Final = "http://127.0.0.1:11434"
SUGGESTED: Final = ("qwen2.5-coder:7b", "qwen2.5-coder:14b", "qwen2.5-coder:32b")
"""Offered to a person who has none, smallest first: they call tools, and fit a laptop, a good one, a workstation."""
_FAMILY: Final = "qwen2.5-coder"
_LARGEST_LINE: Final = 1024 * 1024
_LARGEST_ANSWER: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A model that Ollama has."""

    name: str
    """With its tag: `qwen2.5-coder:7b`."""
    size: int
    """Bytes on disk."""
    parameters: str = ""
    """As Ollama says it: `7.6B`."""
    quantization: str = ""
    """As Ollama says it: `Q4_K_M`."""
    modified: str = ""
    """When it came, RFC 3339."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far the getting of a model came."""

    status: str
    """In Ollama's words: `pulling manifest`, `verifying sha256 digest`, `success`."""
    digest: str = ""
    """The layer that it is about, empty where it is about none."""
    completed: int = 0
    """Bytes of the layer that are here."""
    total: int = 0
    """Bytes of the layer, 0 where that is not known yet."""


class Ollama:
    """One Ollama. Every call raises Unavailable where nobody answers, with how to start it."""

    def __init__(self, base_url: str = "") -> None:
        """`base_url` with or without `/v1`; empty for the usual one."""
        self.base_url = (base_url or DEFAULT_URL).rstrip("/").removesuffix("/v1")

    async def version(self) -> str:
        """Its version."""
        return _text(await self._get("/api/version"), "version")

    async def models(self) -> tuple[OllamaModel, ...]:
        """What it has; those that are offered first come first, then the newest."""
        found = (_model(entry) for entry in _objects(await self._get("/api/tags"), "models"))
        return tuple(sorted(found, key=lambda model: (not model.name.startswith(_FAMILY), _backwards(model.modified))))

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Gets a model, saying how far it came; ends when it is there. Closing the generator stops it; Ollama keeps
        what came, and goes on from there the next time. Raises NotFound where there is no such model.
        """
        if not name.strip() or name.startswith("-") or not name.isprintable():
            raise InvalidArgument(f"`{name}` is no name of a model.", remedy=f"Names look like {SUGGESTED[0]}.")
        async with self._client() as client, client.stream("POST", "/api/pull", json={"model": name}) as response:
            if response.status_code != 200:
                raise _refused(name, await _whole(response.aiter_bytes()))
            done = False
            async for line in _lines(response.aiter_bytes()):
                said = _object(line)
                if error := _text(said, "error"):
                    raise _refused_words(name, error)
                status = _text(said, "status")
                done = done or status == "success"
                yield PullProgress(status, _text(said, "digest"), _number(said, "completed"), _number(said, "total"))
            if not done:
                raise Unavailable(f"Ollama stopped in the middle of getting {name}.", remedy="Ask again: it goes on.")

    async def _get(self, path: str) -> Mapping[str, object]:
        async with self._client() as client, client.stream("GET", path) as response:
            answer = await _whole(response.aiter_bytes())
            if response.status_code != 200:
                raise self._stranger()
        try:
            return _object(answer)
        except Internal:
            raise self._stranger() from None

    def _stranger(self) -> StigmerError:
        return Unavailable(
            f"What answers at {self.base_url} is not Ollama.", remedy="Set OLLAMA_BASE_URL to where Ollama runs."
        )

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator["httpx2.AsyncClient", None]:
        import httpx2

        timeout = httpx2.Timeout(10.0, read=300.0)
        try:
            async with httpx2.AsyncClient(base_url=self.base_url, trust_env=False, timeout=timeout) as client:
                yield client
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            raise Unavailable(
                f"Ollama is not reachable at {self.base_url}.",
                remedy="Start it with `ollama serve`, or set OLLAMA_BASE_URL to where it runs.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(f"The connection to Ollama at {self.base_url} broke: {error}") from error


def suggestions(models: Iterable[OllamaModel]) -> tuple[str, ...]:
    """Models to offer to a person who has `models`: of the suggested ones those that are not there."""
    there = {model.name for model in models}
    return tuple(name for name in SUGGESTED if name not in there)


def _model(entry: Mapping[str, object]) -> OllamaModel:
    found = entry.get("details")
    details = cast(Mapping[str, object], found if isinstance(found, Mapping) else {})
    return OllamaModel(
        name=_text(entry, "name"),
        size=_number(entry, "size"),
        parameters=_text(details, "parameter_size"),
        quantization=_text(details, "quantization_level"),
        modified=_text(entry, "modified_at"),
    )


def _backwards(text: str) -> tuple[int, ...]:
    return tuple(-ord(each) for each in text)


def _refused(name: str, answer: bytes) -> StigmerError:
    try:
        return _refused_words(name, _text(_object(answer), "error"))
    except Internal:
        return _refused_words(name, "")


def _refused_words(name: str, words: str) -> StigmerError:
    if "file does not exist" in words or "not found" in words:
        return NotFound(f"There is no model {name}.", remedy="https://ollama.com/library lists them.")
    return Unavailable(f"Ollama could not get {name}: {words or 'it does not say why'}.")


async def _whole(pieces: AsyncGenerator[bytes, None]) -> bytes:
    answer = bytearray()
    async for piece in pieces:
        answer += piece
        if len(answer) > _LARGEST_ANSWER:
            raise Internal("Ollama's answer is larger than any may be.")
    return bytes(answer)


async def _lines(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > _LARGEST_LINE:
            raise Internal("A line of Ollama's answer is longer than any may be.")
    if rest.strip():
        yield rest


def _object(text: bytes) -> Mapping[str, object]:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Internal("Ollama's answer cannot be read.")
    return cast(Mapping[str, object], value)


def _objects(value: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    found = value.get(name)
    entries = cast(Sequence[object], found) if isinstance(found, list) else ()
    return [cast(Mapping[str, object], entry) for entry in entries if isinstance(entry, Mapping)]


def _text(value: Mapping[str, object], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""


def _number(value: Mapping[str, object], name: str) -> int:
    number = value.get(name)
    return number if isinstance(number, int) and number >= 0 else 0
