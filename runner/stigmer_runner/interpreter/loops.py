"""`for`: tasks once for each item, each round with what the one before came to."""

from dataclasses import asdict

from stigmer_apis.expressions.client import Chance
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.model import For
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.carrying import Carry
from stigmer_runner.interpreter.texts import pointer
from stigmer_runner.interpreter.visit import TOLD_ROUNDS, Done, Lists, Visit

ROUNDS = 100
SECONDS = 0.2
"""How far a loop is, is told after so many rounds, or so much time."""


async def run_for(visit: Visit, work: For, lists: Lists) -> Done:
    """The output of the last round; the input where there is none."""
    stage = visit.stage
    frame = visit.resumed.take()
    data, begin = visit.input, 0
    chance = stage.evaluator.chance()
    if frame is not None:
        data, begin, chance = frame.get("data"), _whole(frame.get("round")), _chance(frame.get("chance"))
    stage.evaluator.is_patient = frame is not None
    try:
        items = _items(visit, work, chance)
    finally:
        stage.evaluator.is_patient = False
    each = work.each.text if work.each is not None else "item"
    at = work.at.text if work.at is not None else "index"
    total = len(items)
    told_at, told_round = workflow.time(), begin
    for number in range(begin, total):
        resuming = frame is not None and number == begin and bool(visit.resumed.frames)
        scope = visit.scope.plus(**{each: items[number], at: number})
        if not resuming:
            if visit.around.carries and not visit.deadline and number > begin and stage.is_long:
                carry = Carry()
                carry.inside({"round": number, "data": data, "chance": asdict(chance)})
                raise carry
            if work.goes_on is not None and not stage.evaluator.holds(work.goes_on.text, data, scope):
                break
            stage.rounds += 1
        around = visit.inside(scope, index=number, quiet=stage.rounds > TOLD_ROUNDS)
        try:
            done = await lists.list(work.tasks, pointer(visit.path, "do"), data, around, visit.resumed)
        except Carry as carry:
            carry.inside({"round": number, "data": data, "chance": asdict(chance)})
            raise
        data = done.output
        if done.ends:
            return done
        if number + 1 - told_round >= ROUNDS or workflow.time() - told_at >= SECONDS:
            told_at, told_round = workflow.time(), number + 1
            visit.announce()
            stage.teller.progress(visit.task_id, number + 1, total)
    if total and told_round < total and total > 1:
        stage.teller.progress(visit.task_id, total, total)
    return Done(data)


def _items(visit: Visit, work: For, chance: Chance) -> list[Json]:
    """The items; of a mapping its entries, by their names. A run that goes on makes them again, by the same chance."""
    if work.items is None:
        raise visit.fail("configuration", "`for` says nothing to go through")
    template = visit.evaluator.template(work.items)
    if isinstance(template, str):
        found = visit.evaluator.bare(template, visit.input, visit.scope, chance)
    else:
        found = visit.evaluator.data(template, visit.input, visit.scope, chance)
    match found:
        case list():
            return found
        case dict():
            return [{"key": key, "value": found[key]} for key in sorted(found)]
        case bool() | None | str() | float():
            what = {"NoneType": "nothing", "bool": "true or false", "str": "a text"}.get(
                type(found).__name__, "a number"
            )
            raise visit.fail("expression", f"`for.in` wants a list, and its expression gives {what}")
        case int():
            raise visit.fail(
                "expression", "`for.in` wants a list, and its expression gives a number: [range(…)] makes one"
            )


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _chance(value: Json) -> Chance:
    match value:
        case {"now": int() | float() as now, "uuid": str(uuid), "random": int() | float() as random}:
            return Chance(float(now), uuid, float(random))
        case _:
            return Chance()
