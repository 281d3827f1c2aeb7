"""Runs code as a plain callback of the loop, outside of every task."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from stigmer_runner.engine.errors import EngineError

T = TypeVar("T")


async def in_callback(function: Callable[[], T]) -> T:
    """Call `function` from the loop itself and return what it returns, or raise what it raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def call() -> None:
        if done.cancelled():
            return
        try:
            done.set_result(function())
        except EngineError as error:
            done.set_exception(error)
        except BaseException as error:
            done.set_exception(error)
            raise

    loop.call_soon(call)
    return await done
