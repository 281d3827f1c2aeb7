"""Files to start from: one of each kind with comments, and a project."""

from collections.abc import Mapping

from stigmer_apis.protocol import API_VERSION
from stigmer_tui.manifests.kinds import (
    AGENT,
    AGENT_INSTANCE,
    ENVIRONMENT,
    MCP_SERVER,
    SESSION,
    WORKFLOW,
    WORKFLOW_INSTANCE,
    Kind,
)
from stigmer_tui.manifests.writing import to_yaml

SCHEMAS = ".stigmer/schemas"

_SPECS: Mapping[str, str] = {
    AGENT.name: """\
spec:
  description: What it is for, in one line
  # What it is told before anything else. At least 10 characters.
  instructions: |
    You help with ...
    Ask before you change anything.
  # The model that answers; leave it out for the default of `stigmer config`.
  # model: anthropic/claude-sonnet-4-5
  # modelSettings: {temperature: 0.2, reasoning: low}
  # Tools by name; leave it out for all of them.
  # tools: [read, grep, shell]
  # What it may do without asking, from the first rule that fits.
  # policy:
  #   rules:
  #     - {decision: allow, tool: read}
  #     - {decision: ask, tool: shell}
  # Where it stops.
  # limits: {turns: 50, time: 600s}
  # skillRefs: [some-skill]
  # mcpServerRefs: [some-server]
  # Variables that it needs, with what they are.
  # envSpec:
  #   data:
  #     REGION: {value: eu, description: Where it works}
""",
    AGENT_INSTANCE.name: """\
spec:
  # The agent, by name.
  agent: some-agent
  description: The agent in one place, with what it needs there
  # Later ones win where two say the same.
  environmentRefs: []
  #  - some-environment
""",
    SESSION.name: """\
spec:
  # The instance that works in it, by name. Every agent comes with one, NAME-default.
  agentInstance: shell-default
  subject: What it is about
""",
    WORKFLOW.name: """\
spec:
  description: What it does, in one line
  document:
    dsl: 1.0.0
    namespace: default
    name: {name}
    version: 1.0.0
  # In the order they run. `stigmer run workflow/{name}` runs them.
  tasks:
    - name: first
      kind: set
      taskConfig:
        variables:
          greeting: hello
    - name: then
      kind: wait
      taskConfig:
        seconds: 5
""",
    WORKFLOW_INSTANCE.name: """\
spec:
  # The workflow, by name.
  workflow: some-workflow
  description: The workflow in one place, with what it needs there
  envRefs: []
  #  - some-environment
""",
    ENVIRONMENT.name: """\
spec:
  description: What these values are for
  data:
    LOG_LEVEL:
      value: info
      description: How much is said
    # A secret has no value here: `stigmer secrets set API_TOKEN --environment {name}` asks for it, and applying this again keeps it.
    # API_TOKEN: {{isSecret: true, description: For the service}}
""",
    MCP_SERVER.name: """\
spec:
  description: Which tools it brings
  # One of stdio, http, docker.
  stdio:
    command: some-mcp-server
    args: []
  # http: {url: "https://example.com/mcp"}
  # defaultEnabledTools: []
""",
}


def draft(kind: Kind, name: str, *, schemas: str = SCHEMAS) -> str:
    """A commented document of `kind` called `name` that can be applied as it stands, but for names of others in it."""
    head = to_yaml({"apiVersion": API_VERSION, "kind": kind.name, "metadata": {"name": name}})
    body = _SPECS[kind.name].replace("{name}", name).replace("{{", "{").replace("}}", "}")
    return f"# yaml-language-server: $schema={schemas}/{kind.word}.json\n{head}  labels: {{}}\n{body}"


def project(name: str) -> Mapping[str, str]:
    """The files of a new project, by their path in it. It can be applied as it stands, with no key."""
    return {
        "agent.yaml": _agent(name),
        "environment.yaml": _environment(name),
        "workflows/hello.yaml": _HELLO,
        "AGENTS.md": _AGENTS_MD.format(name=name),
        ".gitignore": _IGNORED,
    }


def _agent(name: str) -> str:
    head = _head(AGENT, name, name)
    return f"""{head}spec:
  description: The assistant of this project
  instructions: |
    You work on this project. Read AGENTS.md first and keep to it.
    Say what you did and how you tried it.
  # The model that answers; without this line, the default of `stigmer config`.
  # model: anthropic/claude-sonnet-4-5
  limits:
    turns: 50
---
# The agent in this place, with the values of environment.yaml.
apiVersion: {API_VERSION}
kind: AgentInstance
metadata:
  name: {_quoted(f"{name}-here")}
  labels:
    project: {_quoted(name)}
spec:
  agent: {_quoted(name)}
  environmentRefs:
    - {_quoted(name)}
"""


def _environment(name: str) -> str:
    head = _head(ENVIRONMENT, name, name)
    return f"""{head}spec:
  description: What the assistant of this project works with
  data:
    LOG_LEVEL:
      value: info
      description: How much is said
    # A secret has no value here: `stigmer secrets set API_TOKEN --environment {name}` asks for it, and applying this again keeps it.
    # API_TOKEN: {{isSecret: true, description: For the service}}
"""


def _head(kind: Kind, name: str, label: str) -> str:
    return f"""# yaml-language-server: $schema={SCHEMAS}/{"stigmer" if kind is AGENT else kind.word}.json
apiVersion: {API_VERSION}
kind: {kind.name}
metadata:
  name: {_quoted(name)}
  labels:
    project: {_quoted(label)}
"""


def _quoted(text: str) -> str:
    """Text as YAML has it on one line."""
    return to_yaml(text).removesuffix("\n").removesuffix("\n...").strip()


_HELLO = """\
# A workflow that runs as it stands: stigmer run workflows/hello.yaml --set name=you
document:
  dsl: 1.0.0
  namespace: default
  name: hello
  version: 1.0.0
do:
  - greet:
      set:
        said: ${ "hello " + ($workflow.input.name // "world") }
  - tell:
      run:
        shell:
          command: echo "$SAID, from $(uname -s)"
          environment:
            SAID: ${ .said }
"""
"""Documents of the workflow language; all of it is in docs/workflows.md."""

_AGENTS_MD = """\
# {name}

What an agent that works here has to know. Keep it short: it is read at the start of every run.

- What this project is, in a sentence.
- How it is built and tried: the commands.
- What not to touch.
"""

_IGNORED = """\
.stigmer/*
!.stigmer/schemas/
.env
"""
