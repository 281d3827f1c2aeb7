"""Has an agent review what a branch changes: `python review.py [--base main] [REPOSITORY]`.

Prints the review. Exit codes: 0 approved, 1 changes are requested, 2 the review could not be made.
"""

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path

from stigmer_apis.client import Stigmer
from stigmer_apis.errors import StigmerError

AGENT = "pull-request-reviewer"
LONGEST = 400_000
"""Characters of a diff that a model is shown."""


def diff_of(repository: Path, base: str) -> str:
    """What the branch changes since it left `base`. Raises `CalledProcessError`."""
    words = ["git", "-C", str(repository), "diff", "--no-color", "--no-ext-diff", f"{base}...HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


async def review(repository: Path, diff: str) -> int:
    """Let the agent review, and print what it says. Raises `StigmerError`."""
    message = f"Review this change:\n\n{diff[:LONGEST]}"
    async with Stigmer() as stigmer:
        execution = await stigmer.agents[AGENT].run(message, workspace=str(repository))
        async for piece in execution.text():
            print(piece, end="", flush=True)
        result = await execution.result()
    print()
    if result.phase != "completed":
        print(f"the review was not made: {result.error}", file=sys.stderr)
        return 2
    return 0 if result.text.rstrip().endswith("VERDICT: approve") else 1


def main() -> int:
    """Read the command line and review."""
    parser = argparse.ArgumentParser(description="Have an agent review what a branch changes.")
    parser.add_argument("repository", nargs="?", type=Path, default=Path())
    parser.add_argument("--base", default="main", help="the branch that it is to be merged into")
    given = parser.parse_args()
    try:
        diff = diff_of(given.repository, given.base)
        if not diff:
            print("nothing is changed")
            return 0
        return asyncio.run(review(given.repository.resolve(), diff))
    except subprocess.CalledProcessError as error:
        print(f"git: {error.stderr.strip()}", file=sys.stderr)
    except StigmerError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
