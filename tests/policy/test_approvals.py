"""What a person is shown when they decide, and what their answer binds."""

import json
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.policy.binding import binding_of, canonical
from stigmer_runner.policy.granting import with_prefix
from stigmer_runner.policy.showing import remarks, shown
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from stigmer_runner.tools.interface import ToolArgumentError
from stigmer_runner.tools.preparing import Decision, Standing, prepare
from stigmer_runner.tools.registry import builtin_tools
from tests.sandbox.ground import Ground
from tests.tools.bench import ToolBench, new_bench

HIDDEN = (
    ("ten thousand blanks", "ls" + " " * 10_000 + "; rm -rf x", "rm -rf x"),
    ("many empty lines", "ls" + "\n" * 5000 + "rm x", "rm x"),
    ("blank lines with blanks", "ls\n" + "   \n" * 500 + "rm x", "rm x"),
    ("tabs", "ls" + "\t" * 500 + "rm x", "rm x"),
    ("carriage return", "rm -rf x\rls      ", "␍"),
    ("return and erase", "rm x\r\x1b[Kls", "␛[K"),
    ("backspaces", "rm x\b\b\b\bls  ", "␈"),
    ("cursor up", "rm x\n\x1b[1A\x1b[2Kls", "␛[1A"),
    ("hidden text", "\x1b[8mrm x\x1b[0mls", "␛[8m"),
    ("black on black", "\x1b[30;40mrm x\x1b[0m", "␛[30;40m"),
    ("window title", "ls\x1b]0;safe\x07; rm x", "␇"),
    ("link", "\x1b]8;;http://evil\x1b\\ls\x1b]8;;\x1b\\", "␛]8;;"),
    ("clipboard", "\x1b]52;c;cm0=\x07ls", "␛]52"),
    ("other screen", "\x1b[?1049hls", "␛[?1049h"),
    ("C1 control", "ls\x9b2Krm x", "⟨U+009B⟩"),
    ("next line", "ls\x85rm x", "⟨U+0085⟩"),
    ("line separator", "ls\u2028rm x", "⟨U+2028⟩"),
    ("paragraph separator", "ls\u2029rm x", "⟨U+2029⟩"),
    ("right to left", "ls \u202ex mr", "⟨U+202E⟩"),
    ("isolate", "ls \u2067x mr\u2069", "⟨U+2067⟩"),
    ("right to left mark", "ls \u200fx", "⟨U+200F⟩"),
    ("Arabic letter mark", "ls \u061cx", "⟨U+061C⟩"),
    ("zero width space", "r\u200bm x", "⟨U+200B⟩"),
    ("zero width joiner", "r\u200dm x", "⟨U+200D⟩"),
    ("word joiner", "r\u2060m x", "⟨U+2060⟩"),
    ("soft hyphen", "r\u00adm x", "⟨U+00AD⟩"),
    ("byte order mark", "\ufeffrm x", "⟨U+FEFF⟩"),
    ("tag characters", "ls \U000e0072\U000e006d", "⟨U+E0072⟩"),
    ("variation selector", "ls\ufe0f x", "⟨U+FE0F⟩"),
    ("more variation selectors", "ls\U000e0100 x", "⟨U+E0100⟩"),
    ("no-break space", "ls\u00a0x", "⟨U+00A0⟩"),
    ("ideographic space", "ls\u3000x", "⟨U+3000⟩"),
    ("figure space", "ls\u2007x", "⟨U+2007⟩"),
    ("Braille blank", "ls\u2800x", "⟨U+2800⟩"),
    ("Hangul filler", "ls\u3164x", "⟨U+3164⟩"),
    ("half width filler", "ls\uffa0x", "⟨U+FFA0⟩"),
    ("grapheme joiner", "l\u034fs", "⟨U+034F⟩"),
    ("Cyrillic a", "cat /home/\u0430lice", "⟨U+0430⟩"),
    ("Cyrillic e", "rm t\u0435st", "⟨U+0435⟩"),
    ("Greek omicron", "g\u03bfogle.com", "⟨U+03BF⟩"),
    ("Armenian", "\u0578s", "⟨U+0578⟩"),
    ("full width", "\uff4cs", "⟨U+FF4C⟩"),
    ("mathematical", "\U0001d425s", "⟨U+1D425⟩"),
    ("Cherokee", "\u13a2s", "⟨U+13A2⟩"),
    ("Roman numeral", "\u217cs", "⟨U+217C⟩"),
    ("slash that is none", "safe\u2215etc\u2215passwd", "⟨U+2215⟩"),
    ("fraction slash", "safe\u2044etc", "⟨U+2044⟩"),
    ("semicolon that is none", "ls\uff1b rm", "⟨U+FF1B⟩"),
    ("dot that is none", "evil\u2024com", "⟨U+2024⟩"),
    ("piled marks", "l" + "\u0300" * 200 + "s", "⟨U+0300⟩"),
    ("private use", "ls \ue000", "⟨U+E000⟩"),
    ("unassigned", "ls \u0378", "⟨U+0378⟩"),
    ("escape alone", "ls \x1b", "␛"),
    ("bell", "ls \x07", "␇"),
    ("form feed", "ls \x0crm", "␌"),
    ("vertical tab", "ls \x0brm", "␋"),
    ("delete", "ls\x7f", "␡"),
    ("unit separator", "ls\x1frm", "␟"),
    ("shift out", "ls\x0erm", "␎"),
    ("long line", "ls " + "a" * 5000 + "; rm x", "; rm x"),
)


@pytest.mark.parametrize(("name", "text", "visible"), HIDDEN, ids=[name.replace(" ", "-") for name, _, _ in HIDDEN])
def test_nothing_hides_in_what_a_person_is_shown(name: str, text: str, visible: str) -> None:
    told = shown(text)
    assert visible in told
    assert " " * 60 not in told
    assert "\n\n\n\n\n\n\n\n\n\n\n" not in told
    for character in told.replace("\n", "").replace("→\t", ""):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"), hex(ord(character))


def test_there_are_enough_deceptions() -> None:
    assert len(HIDDEN) >= 60


def test_what_is_ordinary_is_shown_as_it_is() -> None:
    for text in ("git commit -m 'für später'\nls  -la", "日本語 텍스트 עברית", "x = {\n    'a': 1,\n}", "🙂 done"):
        assert shown(text) == text
        assert not remarks(text)


def test_a_person_is_told_of_lookalikes() -> None:
    assert "U+0430" in remarks("c\u0430t x")[0]
    assert "very long line" in remarks("x" * 5000)[0]


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest_asyncio.fixture
async def bench(ground: Ground) -> AsyncIterator[ToolBench]:
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    bench = await new_bench(ground, sandbox)
    yield bench
    await bench.close()
    await sandbox.close()


def standing(bench: ToolBench, directory: str = "", environment: dict[str, str] | None = None) -> Standing:
    """Where a call would run, behind walls."""
    return Standing(bench.workspace, directory or str(bench.workspace), walls=True, environment=environment or {})


async def test_the_binding_changes_with_everything_that_matters(bench: ToolBench) -> None:
    tool = builtin_tools(["shell"])["shell"]
    policy = Policy(preset="ask")

    async def binding(
        command: str = "make",
        policy: Policy = policy,
        directory: str = "",
        environment: dict[str, str] | None = None,
    ) -> bytes:
        where = standing(bench, directory, environment)
        return (await prepare(tool, {"command": command}, policy, where)).binding

    first = await binding()
    assert len(first) == 32
    assert await binding() == first
    others = [
        await binding("make "),
        await binding("make\n"),
        await binding("m\u0430ke"),
        await binding(directory="/elsewhere"),
        await binding(environment={"A": "1"}),
        await binding(environment={"A": "2"}),
        await binding(policy=Policy(preset="auto")),
        await binding(policy=Policy(preset="ask", network=Network(mode=Network.MODE_OPEN))),
        binding_of("shell_input", canonical({"command": "make"}), str(bench.workspace), {}, policy),
        binding_of("shell", canonical({"command": "make", "x": 1}), str(bench.workspace), {}, policy),
    ]
    assert len({first, *others}) == 1 + len(others)


def test_parts_of_a_binding_cannot_run_into_each_other() -> None:
    assert binding_of("ab", "c", "d", {}, Policy()) != binding_of("a", "bc", "d", {}, Policy())
    assert binding_of("a", "b", "cd", {}, Policy()) != binding_of("a", "bc", "d", {}, Policy())


async def test_what_was_approved_for_the_session_is_allowed_again_and_nothing_else(bench: ToolBench) -> None:
    tool = builtin_tools(["shell"])["shell"]
    first = await prepare(tool, {"command": "make"}, Policy(), standing(bench))
    assert first.decision is Decision.ASK
    again = await prepare(tool, {"command": "make"}, Policy(), standing(bench), [first.grant])
    assert again.decision is Decision.ALLOW
    other = await prepare(tool, {"command": "make x"}, Policy(), standing(bench), [first.grant])
    assert other.decision is Decision.ASK
    denied = Policy(rules=[Policy.Rule(decision=Policy.DECISION_DENY, tool="shell")])
    assert (await prepare(tool, {"command": "make"}, denied, standing(bench), [first.grant])).decision is Decision.DENY


async def test_a_prefix_that_was_approved_opens_itself_and_closes_nothing_that_was_denied(bench: ToolBench) -> None:
    tool = builtin_tools(["shell"])["shell"]
    policy = Policy(rules=[Policy.Rule(decision=Policy.DECISION_DENY, tool="shell", command_prefix=["make", "clean"])])
    granted = with_prefix(policy, "shell", ("make",))
    assert (await prepare(tool, {"command": "ls"}, granted, standing(bench))).decision is Decision.ASK
    assert (await prepare(tool, {"command": "make clean"}, granted, standing(bench))).decision is Decision.DENY
    assert (await prepare(tool, {"command": "make; rm x"}, granted, standing(bench))).decision is not Decision.ALLOW
    simple = with_prefix(Policy(), "shell", ("make",))
    assert (await prepare(tool, {"command": "make all"}, simple, standing(bench))).decision is Decision.ALLOW


async def test_a_tool_that_was_approved_still_asks_for_what_runs_by_itself(bench: ToolBench) -> None:
    tool = builtin_tools(["write"])["write"]
    granted = Policy(rules=[Policy.Rule(decision=Policy.DECISION_ALLOW, tool="write")])
    for path, decision in (
        ("src/a.py", Decision.ALLOW),
        (".git/hooks/pre-commit", Decision.ASK),
        (".GIT/Hooks/x", Decision.ASK),
        (".envrc", Decision.ASK),
        ("sub/.envrc", Decision.ASK),
        ("AGENTS.md", Decision.ASK),
        ("agents.md", Decision.ASK),
        (".vscode/tasks.json", Decision.ASK),
        (".git\u200b/config", Decision.ASK),
        (".git/./config", Decision.ASK),
        ("x/../.envrc", Decision.ASK),
        (".g\u0131t/config", Decision.ALLOW),
    ):
        prepared = await prepare(tool, {"path": path, "content": "x"}, granted, standing(bench))
        assert prepared.decision is decision, path
    meant = Policy(rules=[Policy.Rule(decision=Policy.DECISION_ALLOW, tool="write", path=".envrc")])
    assert (await prepare(tool, {"path": ".envrc", "content": "x"}, meant, standing(bench))).decision is Decision.ALLOW
    readonly = Policy(preset="read-only")
    assert (await prepare(tool, {"path": "a", "content": "x"}, readonly, standing(bench))).decision is Decision.DENY


async def test_a_link_is_decided_by_what_it_leads_to(bench: ToolBench) -> None:
    (bench.workspace / "secrets").mkdir()
    (bench.workspace / "secrets/key").write_text("x")
    (bench.workspace / "way").symlink_to("secrets")
    policy = Policy(rules=[Policy.Rule(decision=Policy.DECISION_DENY, path="/secrets/")])
    tool = builtin_tools(["read"])["read"]
    for path in ("secrets/key", "way/key", "./x/../way/key", str(bench.workspace / "secrets/key")):
        prepared = await prepare(tool, {"path": path}, policy, standing(bench))
        assert prepared.decision is Decision.DENY, path
    assert (await prepare(tool, {"path": "other"}, policy, standing(bench))).decision is Decision.ALLOW


async def test_a_change_is_shown_as_a_difference(bench: ToolBench) -> None:
    (bench.workspace / "a").write_text("one\ntwo\n")
    prepared = await bench.prepare("edit", path="a", edits=[{"old": "two", "new": "2\x1b[2K"}])
    assert prepared.decision is Decision.ASK
    assert prepared.summary.startswith("edit a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+2␛[2K\n")
    failing = await bench.prepare("edit", path="a", edits=[{"old": "three", "new": "3"}])
    assert "which will fail" in failing.summary
    made = await bench.prepare("write", path="new", content="text\n")
    assert "make new\n--- /dev/null\n+++ b/new" in made.summary
    assert (bench.workspace / "a").read_text() == "one\ntwo\n"


async def test_where_nothing_confines_commands_a_person_is_told(bench: ToolBench) -> None:
    prepared = await bench.prepare("shell", command="ls")
    assert "nothing confines commands" in prepared.summary
    assert prepared.prefix == ("ls",)
    assert (await bench.prepare("shell", command="ls; rm x")).prefix == ()


async def test_arguments_of_ten_megabytes_are_refused(bench: ToolBench) -> None:
    with pytest.raises(ToolArgumentError, match="at most"):
        await bench.prepare("write", path="a", content="x" * 10_000_000)
    with pytest.raises(ToolArgumentError, match="at most"):
        await bench.prepare("shell", command="x" * 10_000_000)


async def test_a_tool_that_does_not_describe_itself_is_shown_by_its_arguments(bench: ToolBench) -> None:
    prepared = await bench.prepare("todos", items=[])
    assert prepared.decision is Decision.ALLOW
    assert prepared.canonical_args == '{"items":[]}'


@pytest.mark.parametrize(
    "arguments", [{"command": "make"}, {"command": "make", "wait": 1.5}, {"command": "make", "wait": 2}]
)
async def test_exact_arguments_bind_the_same_when_they_are_said_again(
    bench: ToolBench, arguments: dict[str, object]
) -> None:
    """What is approved is run with the arguments as they were written down: reading them changes nothing."""
    first = await bench.prepare("shell", **arguments)
    again = await bench.prepare("shell", **json.loads(first.canonical_args))
    assert again.canonical_args == first.canonical_args
    assert again.binding == first.binding


def test_whole_numbers_are_written_in_one_way() -> None:
    assert canonical({"a": [60.0, {"b": 1.0}], "c": 0.5}) == canonical({"a": [60, {"b": 1}], "c": 0.5})
