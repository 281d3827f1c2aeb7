"""Queries that wait for a workflow's answer. They change nothing and are not journaled."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_runner.engine.errors import EngineError, QueryRefused
from stigmer_runner.engine.payloads import decode
from stigmer_runner.engine.temporalio_names import Payload


@dataclass(slots=True)
class _Question:
    name: str
    arguments: Sequence[object]
    answer: "asyncio.Future[object]"


class Questions:
    """Asked by tasks, answered between two activations."""

    def __init__(self) -> None:
        self._open: deque[_Question] = deque()
        self._over = False

    def ask(self, name: str, arguments: Sequence[object]) -> "asyncio.Future[object]":
        """The answer to come; it fails with `QueryRefused` where there is none."""
        question = _Question(name, arguments, asyncio.get_running_loop().create_future())
        if self._over:
            question.answer.set_exception(QueryRefused("the run is over"))
        else:
            self._open.append(question)
        return question.answer

    def answer(self, ask: Callable[[str, Sequence[object]], Payload]) -> None:
        """Answer all by `ask`. Must be called by a plain callback of the loop."""
        while self._open:
            question = self._open.popleft()
            if question.answer.done():
                continue
            try:
                question.answer.set_result(decode((ask(question.name, question.arguments),), ())[0])
            except EngineError as error:
                question.answer.set_exception(QueryRefused(str(error)))

    def close(self) -> None:
        """Refuse all that are open, and all to come."""
        self._over = True
        for question in self._open:
            if not question.answer.done():
                question.answer.set_exception(QueryRefused("the run is over"))
        self._open.clear()
