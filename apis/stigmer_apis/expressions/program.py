"""An expression with its variables as a program of jq, and jq's complaints as words about the expression."""

import re
from dataclasses import dataclass

from stigmer_apis.documents.nearest import nearest

CHANCE = frozenset({"now", "uuid", "random"})
"""Functions whose values whoever asks for an evaluation gives."""

_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMPLAINT = re.compile(r"jq: error: (.*?) at <top-level>, line (\d+), column (\d+):", re.DOTALL)
_UNKNOWN = re.compile(r"([A-Za-z_][A-Za-z0-9_:]*)/(\d+) is not defined")
_KNOWN = tuple(
    _WORDS.findall(
        """
        abs add all any arrays ascii ascii_downcase ascii_upcase booleans capture ceil combinations contains del
        delpaths empty endswith error exp explode fabs finites first flatten floor from_entries fromdate
        fromdateiso8601 fromjson getpath gmtime group_by gsub has implode in index indices infinite inside isempty
        isinfinite isnan isnormal isvalid iterables join keys keys_unsorted last length limit log ltrimstr map
        map_values match max max_by min min_by mktime nan not now nth null nulls numbers objects paths pick pow random
        range recurse reduce reverse rindex round rtrimstr scalars scan select setpath skip sort sort_by split splits
        sqrt startswith strftime strings strptime sub test to_entries toarray todate tojson tonumber tostring
        transpose trim ltrim rtrim trimstr type unique unique_by until utf8bytelength uuid values walk while
        with_entries
        """
    )
)
"""Functions of jq, to guess what a misspelt one was meant to be."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What jq does not take in an expression."""

    wrong: str
    remedy: str = ""


def chance_of(expression: str) -> frozenset[str]:
    """Those of `CHANCE` that an expression may ask for."""
    return CHANCE.intersection(_WORDS.findall(expression))


def evaluated(expression: str, variables: frozenset[str]) -> str:
    """The program that gives its values."""
    return f"{_before(expression, variables)}$__d|(\n{expression}\n)"


def looked_at(expression: str, variables: frozenset[str]) -> str:
    """The program that is compiled to see whether an expression is one: nothing stands behind it that could hide a mistake."""
    return f"{_before(expression, variables)}$__d|\n{expression}"


def complaint(said: str, expression: str) -> Complaint:
    """What jq said about a program, about its expression."""
    found = _COMPLAINT.search(said)
    if found is None:
        return Complaint(said.removeprefix("jq: error: ").split("\n")[0][:300])
    what, line, column = found[1], int(found[2]) - 1, int(found[3])
    lines = expression.split("\n")
    here = f"in column {column}" if len(lines) == 1 else f"in its line {max(line, 1)}, column {column}"
    unknown = _UNKNOWN.search(what)
    if unknown is not None:
        return _unknown(unknown[1], int(unknown[2]), here)
    if "unexpected end of file" in what:
        return Complaint(f"it breaks off {here}", "complete the expression")
    what = what.removeprefix("syntax error, ").replace("INVALID_CHARACTER", "character")
    return Complaint(
        f"{what.split(', expecting')[0][:200]} {here}", "see https://jqlang.org/manual for how it is written"
    )


def _unknown(name: str, arity: int, here: str) -> Complaint:
    given = "" if arity == 0 else f" with {arity} argument{'s' if arity > 1 else ''}"
    guess = nearest(name, _KNOWN)
    remedy = f"did you mean `{guess}`?" if guess and guess != name else f'a text stands in quotes: "{name}"'
    return Complaint(f"there is no function `{name[:60]}`{given}, {here}", remedy)


def _before(expression: str, variables: frozenset[str]) -> str:
    bound = "".join(f"$__v.{name} as ${name}|" for name in sorted(variables))
    given = "".join(f'def {name}:$__v["{name}()"];' for name in sorted(chance_of(expression)))
    return f". as {{$__v,$__d}}|{bound}{given}"
