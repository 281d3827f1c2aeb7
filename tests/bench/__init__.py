"""Benchmarks: `python -m tests.bench [--short] [--only NAME] [--write]`.

Each figure stands beside a baseline that was measured in the same run, round by round in turn, and beside its budget. A missed budget is told with
its reason and fails nothing; a benchmark that breaks ends the run with 1.

    __main__      the command
    catalogue     which benchmarks there are
    measures/     one module a subject
    run           what a benchmark is given: sizes, a scratch directory, a workstation that is shared
    seeding, link, bare_server, screen    what measurements need
    page          the dated table in docs/benchmarks.md
    figures, rounds, machine
"""
