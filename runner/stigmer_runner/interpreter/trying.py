"""`try`: tasks whose errors are caught, and which are tried again."""

import asyncio
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import WorkflowTaskWaiting
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.model import Catch, Try
from stigmer_apis.workflow.values import Text
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.carrying import Carry
from stigmer_runner.interpreter.evaluating import Scope
from stigmer_runner.interpreter.failing import Problem, TaskFailed, failed, matches
from stigmer_runner.interpreter.texts import data_below, pointer
from stigmer_runner.interpreter.visit import Done, Lists, Visit

LONGEST_DELAY = 86_400.0
FREE_ATTEMPTS = 10
"""So often something without a delay is tried again at once; then after a second."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and when something is tried again, in seconds."""

    when: str | None
    except_when: str | None
    delay: float
    backoff: str
    most_attempts: int
    """In all; 0 for any number."""
    attempt_seconds: float
    whole_seconds: float
    jitter: tuple[float, float]

    def delay_after(self, attempt: int, random: float) -> float:
        """How long to wait after an attempt, the first is 1."""
        match self.backoff:
            case "linear":
                found = self.delay * attempt
            case "exponential":
                found = self.delay * 2.0 ** min(attempt - 1, 60)
            case _:
                found = self.delay
        least, most = self.jitter
        found += least + (most - least) * random
        if found <= 0 and attempt >= FREE_ATTEMPTS:
            found = 1.0
        return min(found, LONGEST_DELAY)


async def run_try(visit: Visit, work: Try, lists: Lists) -> Done:
    """What the tasks came to, or what is done about their error."""
    frame = visit.resumed.take()
    if frame is not None and isinstance(frame.get("caught"), dict):
        return await _caught(visit, work, _problem(frame.get("caught")), lists)
    attempt = _whole(frame.get("attempt")) if frame is not None else 1
    began = _seconds(frame["began"]) if frame is not None and "began" in frame else workflow.time()
    catch = work.catch
    while True:
        policy = _policy(visit, catch)
        try:
            return await _attempt(visit, work, policy, attempt, lists)
        except Carry as carry:
            carry.inside({"attempt": attempt, "began": began})
            raise
        except asyncio.CancelledError:
            if catch is not None and _undoes(catch):
                await _caught(visit, work, failed("cancelled", "", visit.path).problem, lists)
            raise
        except TaskFailed as error:
            problem = error.problem
            scope = _with_error(visit, catch, problem)
            if catch is None or not _is_meant(visit, catch, problem, scope):
                raise
            delay = _again(visit, policy, problem, scope, attempt, began)
            if delay is None:
                return await _caught(visit, work, problem, lists)
        attempt += 1
        await _wait(visit, attempt, delay, problem)


async def _attempt(visit: Visit, work: Try, policy: Policy | None, attempt: int, lists: Lists) -> Done:
    limit = policy.attempt_seconds if policy is not None else 0.0
    around = visit.inside(attempt=attempt, carries=False if limit else None)
    run = lists.list(work.tasks, pointer(visit.path, "try"), visit.input, around, visit.resumed)
    if not limit:
        return await run
    try:
        async with asyncio.timeout(limit):
            return await run
    except TimeoutError as error:
        raise failed("timeout", f"the attempt took longer than {limit:g} s", visit.path) from error


async def _caught(visit: Visit, work: Try, problem: Problem, lists: Lists) -> Done:
    """What is done about an error that was caught."""
    catch = work.catch
    if catch is None or not catch.tasks:
        return Done(visit.input)
    scope = _with_error(visit, catch, problem)
    try:
        return await lists.list(
            catch.tasks, pointer(visit.path, "catch", "do"), visit.input, visit.inside(scope), visit.resumed
        )
    except Carry as carry:
        carry.inside({"caught": problem.data()})
        raise


def _is_meant(visit: Visit, catch: Catch, problem: Problem, scope: Scope) -> bool:
    data: Json = problem.data()
    wanted = visit.evaluator.data(_with(catch), data, scope)
    if isinstance(wanted, dict) and not matches(wanted, problem):
        return False
    if catch.when is not None and not visit.evaluator.holds(catch.when.text, data, scope):
        return False
    return catch.except_when is None or not visit.evaluator.holds(catch.except_when.text, data, scope)


def _undoes(catch: Catch) -> bool:
    """Whether it is there for what is stopped: what it does then is done to its end, and the tasks stay stopped."""
    wanted = _with(catch)
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    return isinstance(kind, str) and kind.rsplit("/", 1)[-1] == "cancelled"


def _with(catch: Catch) -> Json:
    return to_data(catch.errors) if catch.errors is not None else None


def _with_error(visit: Visit, catch: Catch | None, problem: Problem) -> Scope:
    name = catch.name.text if catch is not None and catch.name is not None else "error"
    return visit.scope.plus(**{name: problem.data()})


def _again(
    visit: Visit, policy: Policy | None, problem: Problem, scope: Scope, attempt: int, began: float
) -> float | None:
    """How long to wait before it is tried again; None where it is not."""
    if policy is None or (policy.most_attempts and attempt >= policy.most_attempts):
        return None
    data: Json = problem.data()
    if policy.when is not None and not visit.evaluator.holds(policy.when, data, scope):
        return None
    if policy.except_when is not None and visit.evaluator.holds(policy.except_when, data, scope):
        return None
    delay = policy.delay_after(attempt, workflow.random().random())
    if policy.whole_seconds and workflow.time() + delay - began > policy.whole_seconds:
        return None
    return delay


async def _wait(visit: Visit, attempt: int, delay: float, problem: Problem) -> None:
    retry = WorkflowTaskWaiting.Retry(
        attempt=attempt, at_unix_micros=round((workflow.time() + delay) * 1e6), error=problem.words()[:1000]
    )
    visit.wait(WorkflowTaskWaiting(retry=retry))
    if delay > 0:
        await workflow.sleep(max(delay, 0.001))


def _policy(visit: Visit, catch: Catch | None) -> Policy | None:
    """The policy that a `catch` says or names."""
    if catch is None or catch.retry is None:
        return None
    if isinstance(catch.retry, Text):
        template = visit.used("retries", catch.retry.text)
    else:
        template = data_below(visit.task.node, "catch", "retry")
    given = template if isinstance(template, dict) else {}
    limit, backoff, jitter = _map(given.get("limit")), _map(given.get("backoff")), _map(given.get("jitter"))
    attempt = _map(limit.get("attempt"))

    def seconds(value: Json, what: str) -> float:
        return visit.seconds(value, what) if value is not None else 0.0

    count = visit.evaluator.data(attempt.get("count"), visit.input, visit.scope)
    return Policy(
        _text(given.get("when")),
        _text(given.get("exceptWhen")),
        seconds(given.get("delay"), "delay"),
        next(iter(backoff), "constant"),
        count if isinstance(count, int) else 0,
        seconds(attempt.get("duration"), "time of an attempt"),
        seconds(limit.get("duration"), "time of all attempts"),
        (seconds(jitter.get("from"), "jitter"), seconds(jitter.get("to"), "jitter")),
    )


def _problem(data: Json) -> Problem:
    given = _map(data)
    status = given.get("status")
    words = [_text(given.get(key)) or "" for key in ("type", "title", "detail", "instance")]
    return Problem(words[0], status if isinstance(status, int) else 500, *words[1:])


def _map(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 1


def _seconds(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
