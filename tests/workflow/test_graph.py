"""A document is drawn as what it is, and nothing that it says gets out of the drawing."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stigmer_apis.workflow.graph_dot import graph_dot
from stigmer_apis.workflow.graph_svg import graph_svg
from stigmer_apis.workflow.graph_text import graph_text
from tests.support.workstation import new_workstation
from tests.workflow.documents import EXAMPLES, HEAD, checked, workflow, workflows_of

APPROVAL = next(path for path in EXAMPLES if path.stem == "approval")


def test_the_tree_shows_tasks_branches_and_turns() -> None:
    found = checked(APPROVAL.read_text()).workflow
    assert found is not None
    assert graph_text(found).splitlines() == [
        "examples/approval 1.0.0: Ask before it is shipped",
        "├─ prepare  [set]  order, reminders",
        "├─ ask  [fork]  the first to end wins",
        "│  ╞═ answer  [listen]  one: answer",
        "│  ╘═ silence  [wait]  8 hours",
        "├─ decide  [switch]",
        "│     approved → ship",
        "│     refused → the end",
        "│     silent → ask",
        '└─ ship  [run shell]  echo "shipped $ORDER"',
    ]


def test_dot_has_every_way_once() -> None:
    found = checked(APPROVAL.read_text()).workflow
    assert found is not None
    ways = set(re.findall(r"(\w+ -> \w+)(?: \[label=\"(\w+)\"\])?;", graph_dot(found)))
    assert {
        ("t2 -> t3", "approved"),
        ("t2 -> end", "refused"),
        ("t2 -> t1", "silent"),
        ("t0 -> t1", ""),
        ("t1 -> t4", ""),
    } <= ways
    assert ("t2 -> t3", "") not in ways


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_drawn(path: Path) -> None:
    for each in workflows_of(path):
        found = each.workflow
        assert found is not None
        texts = ElementTree.fromstring(graph_svg(found)).iter("{http://www.w3.org/2000/svg}text")
        names = [element.text for element in texts]
        assert all(task.name.text in names for task in found.tasks)
        assert graph_dot(found).count("{") == graph_dot(found).count("}")
        assert all(task.name.text in graph_text(found) for task in found.tasks)


def test_hostile_names_stay_names() -> None:
    found = workflow('do:\n  - "</text><script>x</script>\\" ]; evil -> x; \\u202e\\u001b[2J": { wait: PT1S }\n')
    svg, dot = graph_svg(found), graph_dot(found)
    assert "<script>" not in svg
    ElementTree.fromstring(svg)
    assert '\\" ]; evil' in dot
    assert not {"\u202e", "\u001b"} & set(svg + dot)


def test_the_commands_need_no_daemon_and_say_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(HEAD + "do:\n  - a: { wait: soon }\n")
    with new_workstation() as workstation:
        said = workstation.run("workflow", "validate", str(APPROVAL.parent), "--strict").stdout.decode().splitlines()
        assert len(said) == sum(len(workflows_of(path)) for path in EXAMPLES)
        done = workstation.run("workflow", "validate", str(bad), code=65)
        assert f"{bad}:7:16: a length of time is wanted" in done.stderr.decode()
        assert b'"valid": false' in workstation.run("workflow", "validate", str(bad), "-o", "json", code=65).stdout
        assert workstation.run("workflow", "graph", str(bad), code=65).stdout == b""
        drawn = tmp_path / "a.svg"
        workstation.run("workflow", "graph", "-", "-o", "svg", "--out", str(drawn), stdin=APPROVAL.read_bytes())
        ElementTree.parse(drawn)
        assert not (workstation.home / "run").exists()
