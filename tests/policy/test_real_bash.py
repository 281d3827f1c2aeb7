"""Random lines: of those that are allowed, the real shell runs exactly the commands that were seen in them."""

import random
import shutil
import subprocess
from pathlib import Path

from stigmer_runner.policy.commands import parse
from stigmer_runner.policy.decision import Decision
from tests.policy.test_shell_tricks import ALLOWED, policy_of, verdict
from tests.support.scale import scaled

PIECES = (
    *("ls", "cat", "git status", "git", "status", "rm", "x", "-la", "/dev/null", "2", "1", "0", "10"),
    *(" ", " ", " ", "\n", "\t", ";", "&", "&&", "||", "|", "(", ")", "<", ">", ">>", ">&", "&>", "<<<"),
    *(
        "'",
        '"',
        "\\",
        "$",
        "$(",
        "`",
        "#",
        "!",
        "~",
        "=",
        "*",
        "?",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        ":",
        "@",
        "%",
        "^",
        "+",
        "-",
    ),
    *("ä", "\u00a0", "if", "then", "fi", "time", "coproc", "{", "}", "in", "case", "esac", "do", "A=1", "EOF", "\r"),
)

RECORDER = '#!/bin/sh\n{ printf "%s\\0" "${0##*/}" "$@"; printf "\\n\\0"; } >>"$LOG"\n'


def test_an_allowed_line_runs_what_was_seen_in_it(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    programs, log, directory = tmp_path / "bin", tmp_path / "log", tmp_path / "here"
    programs.mkdir()
    directory.mkdir()
    for name in ("ls", "cat", "git", "rm", "x", "status", "sh"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    policy = policy_of(*ALLOWED)
    generator = random.Random(20261121)
    allowed = 0
    for _ in range(scaled(30_000, 1_000_000)):
        line = "".join(generator.choices(PIECES, k=generator.randint(1, 9)))
        if generator.random() < 0.5:
            line = f"ls {line}"
        if verdict(line, policy) is not Decision.ALLOW:
            continue
        allowed += 1
        if allowed > scaled(150, 5000):
            break
        log.write_bytes(b"")
        subprocess.run(
            [bash, "--norc", "--noprofile", "-c", line],
            env={"PATH": str(programs), "LOG": str(log)},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=30,
        )
        seen = [list(command.words) for command in parse(line).commands]
        for record in log.read_bytes().split(b"\n\0")[:-1]:
            words = record.decode().split("\0")[:-1]
            assert words in seen, (line, words)
        assert list(directory.iterdir()) == [], line
    assert allowed > 50
