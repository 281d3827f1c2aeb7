"""What a provider's failure is, in our words. Knows the library's errors, and no library of a provider."""

import json
import re
from collections.abc import Mapping
from typing import Final, cast

import httpx2
from pydantic_ai import exceptions as library

from stigmer_apis.providers import OLLAMA
from stigmer_runner.models.advice import at_start, how_to_give_a_key, name_of, not_reachable
from stigmer_runner.models.port import ModelError, ModelErrorCode

LONGEST_QUOTE: Final = 600
"""Characters of a provider's own words."""

_TOO_LONG: Final = re.compile(
    r"context.{0,12}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens|exceeds? the (model|context)",
    re.I,
)
_BLIND: Final = re.compile(
    r"(image|vision|multimodal).{0,60}(not|n't|un|only supported)|(not|n't|un)\S*.{0,60}(image|vision|multimodal)", re.I
)
_REFUSED: Final = re.compile(r"content.?(filter|policy|management)|safety system|flagged|usage polic", re.I)
_NO_MODEL: Final = re.compile(
    r"model.{0,80}(not found|does not exist|not exist|unknown)|unknown model|no such model", re.I
)


def failure(error: Exception, *, provider: str, model: str, base_url: str, began: bool) -> ModelError:
    """What `error`, raised by the library, means. The key is not yet taken out of its words."""
    name = name_of(provider)
    match error:
        case ModelError():
            return error
        case library.ModelQuotaExceededError():
            return ModelError(
                ModelErrorCode.RATE_LIMITED,
                f"{at_start(provider)}: the account has no credit left. {_said(error)}",
                retryable=False,
            )
        case library.ModelRateLimitError():
            return ModelError(
                ModelErrorCode.RATE_LIMITED,
                f"{at_start(provider)} takes no more requests for now. {_said(error)}",
                error.retry_after,
            )
        case library.ModelContextWindowExceededError():
            return _too_long(model, error)
        case library.ModelAuthenticationError():
            return _unauthorized(provider, error)
        case library.ModelNotFoundError():
            return _unknown_model(provider, model, base_url, error)
        case library.ModelUnavailableError() | library.ModelServerError():
            return ModelError(
                ModelErrorCode.OVERLOADED, f"{at_start(provider)} cannot answer now. {_said(error)}", error.retry_after
            )
        case library.ModelRequestRejectedError():
            return _rejected(provider, model, error)
        case library.ModelRequestTimeout():
            return ModelError(ModelErrorCode.STALLED, f"{at_start(provider)} did not answer in time.")
        case library.ModelConnectionError():
            return _unconnected(provider, base_url, error, began)
        case library.ContentFilterError():
            return refusal(provider, _said(error))
        case library.ModelHTTPError():
            return _by_status(provider, model, error)
        case library.ModelAPIError():
            return _in_stream(provider, model, error)
        case library.UserError():
            return _unfit(model, error)
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return unreachable(provider, base_url, str(error))
        case httpx2.TransportError():
            return cut(name)
        case _:
            return ModelError(
                ModelErrorCode.MALFORMED, f"The answer of {name} cannot be read ({type(error).__name__})."
            )


def cut(name: str) -> ModelError:
    """The connection ended before the answer did."""
    return ModelError(ModelErrorCode.CUT, f"The connection to {name} ended before the answer did.")


def refusal(provider: str, words: str) -> ModelError:
    """The model, or a filter before it, would not answer."""
    return ModelError(ModelErrorCode.REFUSED, f"{at_start(provider)} refused to answer. {words}".strip())


def unreachable(provider: str, base_url: str, why: str) -> ModelError:
    """Nobody answers."""
    return ModelError(ModelErrorCode.UNREACHABLE, not_reachable(provider, base_url, clip(why)))


def clip(text: str) -> str:
    """One line of `text`, without control characters, of bounded length."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * LONGEST_QUOTE]).split())
    return line if len(line) <= LONGEST_QUOTE else line[:LONGEST_QUOTE] + " ..."


def _said(error: library.AgentRunError) -> str:
    """The provider's own words, short; empty where it had none."""
    body = error.body if isinstance(error, library.ModelAPIError | library.UnexpectedModelBehavior) else None
    words = _words(body)
    if not words and not isinstance(error, library.ModelHTTPError):
        words = error.message
    return f"It says: {clip(words)}" if words else ""


def _words(body: object) -> str:
    if isinstance(body, str):
        try:
            read: object = json.loads(body)
        except (ValueError, RecursionError):
            return body
        return _words(read) if not isinstance(read, str) else read
    if isinstance(body, Mapping):
        fields = cast(Mapping[str, object], body)
        for name in ("error", "message", "detail"):
            if (value := fields.get(name)) and (words := _words(value)):
                return words
    return ""


def _too_long(model: str, error: library.AgentRunError) -> ModelError:
    return ModelError(
        ModelErrorCode.TOO_LONG, f"The conversation does not fit the context of {model} any more. {_said(error)}"
    )


def _unauthorized(provider: str, error: library.AgentRunError) -> ModelError:
    return ModelError(
        ModelErrorCode.UNAUTHORIZED,
        f"{at_start(provider)} does not take the key. {_said(error)} {how_to_give_a_key(provider)}",
    )


def _unknown_model(
    provider: str, model: str, base_url: str, error: library.ModelHTTPError | library.AgentRunError
) -> ModelError:
    said = _said(error)
    if provider == OLLAMA:
        return ModelError(
            ModelErrorCode.UNKNOWN_MODEL,
            f"Ollama does not have the model {model}. Get it with `stigmer models pull {model}`.",
        )
    nearest = error.suggested_model_id if isinstance(error, library.ModelHTTPError) else None
    hint = f" Did you mean {nearest}?" if nearest else ""
    where = "" if said else f" Is {base_url} the right base URL?"
    return ModelError(
        ModelErrorCode.UNKNOWN_MODEL,
        f"{at_start(provider)} does not know the model {model}.{hint}{where} {said}".strip(),
    )


def _rejected(provider: str, model: str, error: library.ModelAPIError) -> ModelError:
    words = _words(error.body) or error.message
    if _TOO_LONG.search(words) or (isinstance(error, library.ModelHTTPError) and error.status_code == 413):
        return _too_long(model, error)
    if _NO_MODEL.search(words):
        return _unknown_model(provider, model, "", error)
    if _BLIND.search(words):
        return blind(model, _said(error))
    if _REFUSED.search(words):
        return refusal(provider, _said(error))
    return ModelError(ModelErrorCode.INVALID, f"{at_start(provider)} does not take the request. {_said(error)}")


def blind(model: str, words: str) -> ModelError:
    """An image for a model without eyes."""
    return ModelError(
        ModelErrorCode.INVALID,
        f"{model} cannot see images. Choose a model that can with `/model`, or leave the image out. {words}".strip(),
    )


def _by_status(provider: str, model: str, error: library.ModelHTTPError) -> ModelError:
    if error.status_code >= 500:
        return ModelError(
            ModelErrorCode.OVERLOADED,
            f"{at_start(provider)} cannot answer now. {_said(error)}",
            error.retry_after,
        )
    return _rejected(provider, model, error)


def _in_stream(provider: str, model: str, error: library.ModelAPIError) -> ModelError:
    """An error that is none of HTTP: inside an answer that had begun, or of the library about what came."""
    kind = f"{error.provider_error_type or ''} {error.provider_error_code or ''}"
    words = _words(error.body) or error.message
    if "finish_reason" in words:
        return cut(name_of(provider))
    if "overloaded" in kind or "server_error" in kind or "api_error" in kind:
        return ModelError(
            ModelErrorCode.OVERLOADED, f"{at_start(provider)} cannot go on. {_said(error)}", error.retry_after
        )
    if error.in_stream or error.body is not None:
        return _rejected(provider, model, error)
    return ModelError(ModelErrorCode.MALFORMED, f"The answer of {name_of(provider)} cannot be read. {_said(error)}")


def _unconnected(provider: str, base_url: str, error: library.ModelConnectionError, began: bool) -> ModelError:
    if error.phase == "connect" and not began:
        return unreachable(provider, base_url, str(error.__cause__ or ""))
    if isinstance(error, library.ModelTimeoutError):
        return ModelError(ModelErrorCode.STALLED, f"{at_start(provider)} stopped answering.")
    return cut(name_of(provider))


def _unfit(model: str, error: library.UserError) -> ModelError:
    """The library knows that the model does not take the request."""
    if "image" in str(error).lower():
        return blind(model, "")
    return ModelError(ModelErrorCode.INVALID, f"The request does not fit {model}: {clip(str(error))}")
