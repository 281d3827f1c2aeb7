"""What tests of resources describe, and how they ask for it."""

import json

from tests.support.workstation import Workstation

TEAM = """\
apiVersion: agentic.stigmer.ai/v1
kind: AgentInstance
metadata: {name: reviewer-here, labels: {app: team}}
spec: {agent: reviewer, environmentRefs: [team]}
---
kind: Agent
metadata: {name: Reviewer, labels: {app: team}}
spec:
  instructions: |
    Review what changed.
    Be kind.
---
kind: Environment
metadata: {name: team, labels: {app: team}}
spec:
  description: For reviews
  data: {REGION: {value: eu}}
"""


def lines(workstation: Workstation, *arguments: str, stdin: str = "", code: int = 0) -> list[str]:
    return workstation.run(*arguments, stdin=stdin.encode(), code=code).stdout.decode().splitlines()


def complaint(workstation: Workstation, *arguments: str, code: int, stdin: str = "") -> str:
    done = workstation.run(*arguments, stdin=stdin.encode(), code=code)
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "\x1b" not in said
    return said


def environment(name: str, value: str = "a", **labels: str) -> str:
    return f"---\nkind: Environment\nmetadata: {{name: {name}, labels: {json.dumps(labels)}}}\nspec: {{data: {{A: {{value: {value}}}}}}}\n"
