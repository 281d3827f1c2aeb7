"""Tools that a test needs: a missing one skips with its reason on a person's machine and fails in CI."""

import os
import shutil
from typing import Never

import pytest

CI_VARIABLE = "STIGMER_CI"
"""Set by `.ci/run`: there every tool is installed, so a missing one is a broken install step, not a reason to skip."""


def require_tool(name: str) -> str:
    """Return the path of the program `name`; skip the calling test without it, or fail it where `STIGMER_CI` is set."""
    path = shutil.which(name)
    if path is None:
        missing(f"the program {name!r} is not installed")
    return path


def missing(reason: str) -> Never:
    """Skip the calling test for `reason`, or fail it where `STIGMER_CI` is set."""
    if os.environ.get(CI_VARIABLE):
        pytest.fail(reason)
    pytest.skip(reason)
