"""What a call that failed is answered: the words that were foreseen, or a reference into the log, never more."""

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from stigmer_apis.errors import Internal, StigmerError, Unimplemented

Translation = Callable[[Exception], StigmerError | None]
"""Turns an error of a layer below into what a caller is told; None for one that it does not know."""

_log = logging.getLogger(__name__)


def as_stigmer_error(error: Exception, method: str, translations: Iterable[Translation] = ()) -> StigmerError:
    """What the caller of `method` is told of `error`.

    A `StigmerError` as it is, also out of a group that a `TaskGroup` made of it; what a translation knows, translated. Anything else was
    not foreseen: it goes to the log with its traceback and a reference, and the caller is told the reference alone, because the text of
    such an error may hold anything.
    """
    told = [_foreseen(leaf, translations) for leaf in _leaves(error)]
    foreseen = [failure for failure in told if failure is not None]
    if foreseen and len(foreseen) == len(told):
        return foreseen[0]
    if isinstance(error, NotImplementedError):
        return Unimplemented(f"{method} comes later: this version does not serve it yet")
    reference = secrets.token_hex(4)
    _log.error("unforeseen error in %s (reference %s)", method, reference, exc_info=error)
    return Internal(
        f"Stigmer made a mistake (reference {reference})",
        remedy=f"the server's log has the details: look for {reference}",
    )


def _foreseen(error: Exception, translations: Iterable[Translation]) -> StigmerError | None:
    if isinstance(error, StigmerError):
        return error
    for translate in translations:
        failure = translate(error)
        if failure is not None:
            return failure
    return None


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in cast("ExceptionGroup[Exception]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error
