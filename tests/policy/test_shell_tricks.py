"""Command lines that try to be more than they look like, under a policy that allows `git status`, `ls` and `cat` and nothing else."""

import shutil
import subprocess

import pytest

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.policy.commands import parse
from stigmer_runner.policy.decision import Decision
from stigmer_runner.policy.rules import decide
from stigmer_runner.policy.subject import Subject
from stigmer_runner.policy.suggesting import prefix_of
from stigmer_runner.tools.interface import Effect
from tests.policy.tricks import TRICKS

ALLOWED = (("git", "status"), ("ls",), ("cat",))


def policy_of(*prefixes: tuple[str, ...], decision: Policy.Decision.ValueType = Policy.DECISION_ALLOW) -> Policy:
    """A policy that decides about these prefixes."""
    return Policy(rules=[Policy.Rule(decision=decision, tool="shell", command_prefix=prefix) for prefix in prefixes])


def verdict(line: str, policy: Policy, *, walls: bool = True, environment: dict[str, str] | None = None) -> Decision:
    """What is decided about `line`."""
    subject = Subject(line, line=line, parsed=parse(line))
    return decide("shell", Effect.EXECUTE, subject, policy, walls=walls, environment=environment or {}).decision


def test_there_are_enough() -> None:
    assert len(TRICKS) >= 200
    assert len({line for _, line in TRICKS}) == len(TRICKS)


@pytest.mark.parametrize(("name", "line"), TRICKS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(TRICKS)])
def test_no_trick_is_allowed(name: str, line: str) -> None:
    assert verdict(line, policy_of(*ALLOWED)) is Decision.ASK


@pytest.mark.parametrize(
    "line",
    [
        "ls",
        "ls -la src/",
        "git status --short",
        "cat a b 'c d' \"e f\"",
        "ls && cat x || git status",
        "ls | cat",
        "ls; cat x",
        "ls;",
        "ls\ncat x\n",
        "(ls; cat x) && git status",
        "ls 2>/dev/null",
        "cat x 2>&1",
        "ls >/dev/null 2>&1",
        "ls &>/dev/null",
        "ls --color=never",
        "cat a#b a~b HEAD~1",
        "cat ''",
        "ls &&\ncat x",
        "cat münchen.txt",
        " ls  -l ",
        'cat "it\'s"',
        "\n\nls",
    ],
)
def test_what_is_plain_is_allowed(line: str) -> None:
    assert parse(line).understood, parse(line).obstacle
    assert verdict(line, policy_of(*ALLOWED)) is Decision.ALLOW


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "GIT_DIR", "IFS", "ls", "COLOUR"])
def test_a_variable_of_an_earlier_command_takes_a_prefix_its_worth(name: str) -> None:
    assert verdict("ls", policy_of(("ls",)), environment={name: "x"}) is Decision.ASK
    assert verdict("ls", policy_of(("ls",)), environment={"OLDPWD": "/", "LC_ALL": "C"}) is Decision.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf x",
        "/bin/rm x",
        "sudo rm x",
        "sudo -n rm x",
        "env A=1 rm x",
        "env -i rm x",
        "nohup rm x &",
        "timeout 5 rm x",
        "nice -n 5 rm x",
        "xargs rm <list",
        "ls | xargs -0 rm",
        "find . -exec rm {} +",
        "find . -name x -execdir rm {} \\;",
        "sh -c 'rm x'",
        'bash -lc "cd y && rm x"',
        "bash -c \"bash -c 'rm x'\"",
        "eval 'rm x'",
        "command rm x",
        "exec rm x",
        "if true; then rm x; fi",
        "for a in b; do rm $a; done",
        "f() { rm x; }; f",
        "echo $(rm x)",
        "echo `rm x`",
        'echo "$(rm x)"',
        "cat <(rm x)",
        "cat <<EOF\n$(rm x)\nEOF",
        "A=1 rm x",
        "{ rm x; }",
        "( rm x )",
        "! rm x",
        "ls &&rm x",
        "ls;rm x",
        "case a in a) rm x;; esac",
        "while rm x; do :; done",
        "'rm' x",
        '"rm" x',
        "r'm' x",
    ],
)
def test_what_is_denied_is_denied_wherever_it_stands(line: str) -> None:
    denying = policy_of(("rm",), decision=Policy.DECISION_DENY)
    denying.preset = "auto"
    assert verdict(line, denying) is Decision.DENY


@pytest.mark.parametrize(
    "line",
    [
        "$X x",
        "r\\m x",
        "$(echo rm) x",
        "python -c 'import os; os.system(\"rm x\")'",
        "perl -e 'system \"rm x\"'",
        "ssh host rm x",
        "make CLEAN=rm",
        "echo rm x | sh",
        "/bin/r? x",
        "b=rm; $b x",
        "alias q=rm",
        "busybox sh -c 'r''m x'",
    ],
)
def test_what_may_be_denied_is_asked_about(line: str) -> None:
    denying = policy_of(("rm",), decision=Policy.DECISION_DENY)
    denying.preset = "auto"
    assert verdict(line, denying) in (Decision.ASK, Decision.DENY)


def test_git_with_options_is_the_command_that_it_is() -> None:
    denying = policy_of(("git", "push"), decision=Policy.DECISION_DENY)
    denying.preset = "auto"
    for line in ("git push", "git -C x push", "git -c a=b push --force", "git --git-dir=x push", "git --no-pager push"):
        assert verdict(line, denying) is Decision.DENY
    assert verdict("git pull", denying) in (Decision.ALLOW, Decision.ASK)


def test_presets_decide_where_no_rule_does() -> None:
    for preset, decision in (
        ("", Decision.ASK),
        ("ask", Decision.ASK),
        ("auto", Decision.ALLOW),
        ("read-only", Decision.DENY),
    ):
        assert verdict("make", Policy(preset=preset)) is decision
    assert verdict("make", Policy(preset="auto"), walls=False) is Decision.ASK
    assert verdict("make", Policy(preset="everything")) is Decision.ASK
    assert verdict("$(x)", Policy(preset="auto")) is Decision.ALLOW
    assert verdict("$(x)", Policy(preset="read-only")) is Decision.DENY


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        Policy.Rule(decision=Policy.DECISION_DENY, tool="shell", command_prefix=["git", "push"]),
        Policy.Rule(decision=Policy.DECISION_ALLOW, tool="sh*", command_prefix=["git"]),
        Policy.Rule(decision=Policy.DECISION_ALLOW, tool="other"),
    ]
    policy = Policy(rules=rules)
    assert verdict("git push", policy) is Decision.DENY
    assert verdict("git log", policy) is Decision.ASK  # the line names `git`, which begins what is denied
    assert verdict("make", policy) is Decision.ASK
    assert verdict("make", Policy(rules=[Policy.Rule(decision=Policy.DECISION_ALLOW, tool="shell")])) is Decision.ALLOW


@pytest.mark.parametrize(
    ("line", "prefix"),
    [
        ("ls -la", ("ls",)),
        ("git status --short", ("git", "status")),
        ("npm run build -- --watch", ("npm", "run", "build")),
        ("make test", ("make", "test")),
        ("pytest -q tests", ("pytest",)),
        ("cargo test --all", ("cargo", "test")),
        ("bash -c ls", ()),
        ("python x.py", ()),
        ("sudo ls", ()),
        ("env ls", ()),
        ("rm x", ()),
        ("curl example.org", ()),
        ("./run", ()),
        ("git push", ()),
        ("git -c a=b status", ()),
        ("ls && ls", ()),
        ("ls $X", ()),
        ("find . -exec x", ()),
        ("npm run --x", ()),
        ("make -f x", ()),
        ("make X=1", ()),
        ("", ()),
    ],
)
def test_few_prefixes_are_offered(line: str, prefix: tuple[str, ...]) -> None:
    assert prefix_of(parse(line)) == prefix


def test_a_very_long_line_is_asked_about_soon() -> None:
    assert verdict("ls " + "a " * 100_000, policy_of(("ls",))) is Decision.ASK
    assert verdict("(" * 20_000, policy_of(("ls",))) is Decision.ASK
    assert verdict("ls && " * 5000 + "ls", policy_of(("ls",))) is Decision.ASK
    assert verdict("ls && " * 60 + "rm x", policy_of(("ls",))) is Decision.ASK
    assert verdict("ls && " * 60 + "ls", policy_of(("ls",))) is Decision.ALLOW


def test_understood_lines_are_what_bash_makes_of_them() -> None:
    """Each word of an understood line is what the real shell passes to a program."""
    bash = shutil.which("bash")
    assert bash is not None
    lines = [
        "p a b",
        "p 'a b' \"c d\"e",
        "p a#b x~y --z=1",
        "p a,b +c %d @e ^f",
        'p "it\'s" \'say "x"\'',
        "p ''",
        "p\ta\t b",
    ]
    for line in lines:
        parsed = parse(line)
        assert parsed.understood, line
        shown = subprocess.run(
            [bash, "-c", f"p() {{ printf '%s\\0' p \"$@\"; }}; {line}"], capture_output=True, check=True
        ).stdout
        assert shown.decode().split("\0")[:-1] == list(parsed.commands[0].words)
