"""Lengths of time, as the language writes them."""

import re

from stigmer_apis.workflow.document_json import Json

_UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}
_ISO = re.compile(
    r"P(?=[\dT])(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_WEIGHTS = (604_800.0, 86_400.0, 3_600.0, 60.0, 1.0)
_SHORT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SHORT_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST = 3_650 * 86_400.0
"""Ten years: what is longer is taken for this."""


def seconds_of(value: Json) -> float | None:
    """Seconds of a length of time whose expressions are evaluated; None where it is none."""
    found: float | None = None
    if isinstance(value, dict) and value and value.keys() <= _UNITS.keys():
        parts = [_number(each) for each in value.values()]
        if None not in parts:
            found = sum((part or 0.0) * _UNITS[unit] for unit, part in zip(value, parts, strict=True))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    elif isinstance(value, str) and (iso := _ISO.fullmatch(value)):
        found = sum(float(part) * weight for part, weight in zip(iso.groups(), _WEIGHTS, strict=True) if part)
    elif isinstance(value, str) and (short := _SHORT.fullmatch(value)):
        found = float(short[1]) * _SHORT_UNITS[short[2]]
    return min(found, LONGEST) if found is not None and found >= 0 else None


def _number(value: Json) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d+)?", value) else None
