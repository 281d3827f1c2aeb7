"""What lies in examples/ can be applied as it stands there."""

from pathlib import Path

import yaml

from tests.support.workstation import new_workstation

EXAMPLES = Path(__file__).parents[2] / "examples"


def named(path: Path) -> list[str]:
    """The workflows of a file, of which the first is called as the file is."""
    names = [document["document"]["name"] for document in yaml.safe_load_all(path.read_text())]
    assert names[0] == path.stem
    return names


def test_the_examples_can_be_applied_and_taken_away_as_their_page_says() -> None:
    with new_workstation() as workstation:
        arguments = [
            "apply",
            *(word for path in sorted(EXAMPLES.iterdir()) if path.is_dir() for word in ("-f", str(path))),
            *("-f", str(EXAMPLES / "workflows" / "review")),
        ]
        created = workstation.run(*arguments).stdout.decode().splitlines()
        reviewers = ["agent/clarity-reviewer created", "agent/safety-reviewer created"]
        assert sorted(set(created) & set(reviewers)) == reviewers
        assert [line for line in created if line not in reviewers] == [
            "mcp-server/clock created",
            "agent/timekeeper created",
            "agent/pull-request-reviewer created",
            "agent/support created",
            "agent-instance/support-desk created",
            "environment/support created",
            "workflow/nightly created",
            *(
                f"workflow/{name} created"
                for path in sorted((EXAMPLES / "workflows").glob("*.yaml"))
                for name in named(path)
            ),
        ]
        secret = b"a token of 24 characters"
        workstation.run("secrets", "set", "ORDERS_TOKEN", "--environment", "support", stdin=secret)
        again = workstation.run(*arguments).stdout.decode().splitlines()
        assert {line.split()[1] for line in again} == {"unchanged"}
        shown = workstation.run("get", "environment", "support", "-o", "yaml").stdout
        assert b"'********'" in shown
        assert secret not in shown
        assert b"Recent" not in workstation.run("describe", "agent", "support").stdout
        for line in (EXAMPLES / "README.md").read_text().splitlines():
            if line.startswith("$ stigmer delete "):
                assert workstation.run(*line.split()[2:]).stdout.decode().splitlines()[0].endswith(" deleted")


def test_every_directory_is_on_the_page() -> None:
    page = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.iterdir():
        assert not path.is_dir() or f"]({path.name})" in page
