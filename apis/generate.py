"""Turns the contract into code and a page: `python apis/generate.py` rewrites `stigmer_apis._generated` and `docs/api.md`; `--help` lists the rest.

Exit codes: 0 all is well; 1 something is stale, misformatted or against a rule, or buf is missing; 2 a source does not
compile.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from protogen import buf, listing, output, reference
from protogen.compile import APIS, GENERATED, CompileError, compile_descriptors, generate

GOLDEN = APIS.parent / "tests" / "contract"
"""Where the golden listings are."""

PAGE = APIS.parent / "docs" / "api.md"
"""The reference."""


def main() -> int:
    """Do what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python apis/generate.py", description="Turn the contract into code.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="write nothing; name each generated file that is stale")
    what.add_argument("--lint", action="store_true", help="lint the .proto files with buf")
    what.add_argument("--fmt", action="store_true", help="format the .proto files with buf")
    what.add_argument("--fmt-check", action="store_true", help="show what --fmt would change")
    what.add_argument("--listings", action="store_true", help="rewrite the golden listing of our own interface")
    parser.add_argument("--published", action="store_true", help="with --listings: rewrite the published one too")
    parser.add_argument("--breaking", action="store_true", help="with --listings: let lines change or go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stigmer-generate-") as folder:
        scratch = Path(folder)
        try:
            if options.fmt or options.fmt_check:
                return buf.format_sources(check=options.fmt_check)
            if options.lint:
                compile_descriptors(scratch / "image.binpb")
                return buf.lint(scratch / "image.binpb")
            if options.listings:
                return _write_listings(scratch, published=options.published, breaking=options.breaking)
            return _generate(scratch / "generated", check=options.check)
        except (CompileError, buf.BufError) as error:
            sys.stderr.write(f"{error}\n")
            return 2 if isinstance(error, CompileError) else 1


def _generate(fresh: Path, *, check: bool) -> int:
    fresh.mkdir()
    generate(fresh)
    page = reference.reference(compile_descriptors(fresh.parent / "page.binpb"), _who)
    if not check:
        output.install(fresh, GENERATED)
        PAGE.write_text(page, encoding="utf-8")
        return 0
    stale = output.differences(fresh, GENERATED)
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        stale.append(f"stale: {PAGE.name}")
    if stale:
        sys.stdout.write("\n".join([*stale, "Run `python apis/generate.py` and commit the result.", ""]))
    return 1 if stale else 0


def _who(method: str) -> str:
    """Who may call a method, by the one table of policies."""
    from stigmer_backend.access.policy import policy_of

    policy = policy_of(method)
    if policy is None:
        return "nobody yet"
    return "anybody" if policy.open else ", ".join(sorted(role.value for role in policy.roles))


def _write_listings(scratch: Path, *, published: bool, breaking: bool) -> int:
    image = compile_descriptors(scratch / "image.binpb")
    wanted = {"own.txt": listing.own(image)} | ({"published.txt": listing.published(image)} if published else {})
    gone = [
        f"{name}:{line}"
        for name, text in wanted.items()
        if (GOLDEN / name).exists()
        for line in listing.removed((GOLDEN / name).read_text(encoding="utf-8"), text)
    ]
    if gone and not breaking:
        sys.stdout.write("\n".join(["These lines would go, which breaks whoever relies on them:", *gone, ""]))
        sys.stdout.write("Add instead of changing. --breaking is for what no release has carried yet.\n")
        return 1
    for name, text in wanted.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
