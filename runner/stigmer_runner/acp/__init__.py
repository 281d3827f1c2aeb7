"""Programs that speak the Agent Client Protocol, as agents of ours: `AgentSpec.external`.

- `transport`, `program`: the program inside the sandbox's walls, and the connection with it. It lives as long as its execution.
- `telling`: its updates as our events. `permissions`, `approvals`: what it asks for, under our policy, decided about by the person.
- `files`, `terminals`: what it wants of us: files of the workspace, commands in our sandbox. `client`: the methods of the protocol.
- `activities`: a prompt is one activity, never repeated by itself. `steering`, `running`: how hosting runs it.

Nothing here is imported before the first such agent runs.
"""
