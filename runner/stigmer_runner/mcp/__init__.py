"""MCP servers as tools of an agent: started once for an execution, and only when its agent begins.

Modules, from the bottom up:

- `definition`: what a server is, as the agent or a resource says it, and the hash that a person approves
- `placeholders`: values of the run's environment, filled in just before they are used
- `approvals`: which definitions the person approved, kept outside the workspace
- `naming`: what policies, and what models, call a tool
- `listing`: the tools that a server lists, checked and bounded
- `guard`: how much a server may send
- `walled`: a program inside the sandbox as a transport; `web`: an HTTP server as one
- `results`: what a call answered; `eliciting`: what a server asks the person
- `connection`: one server that runs
- `tool`: one tool, as the loop calls it
- `servers`: all servers of an execution

`guard`, `walled`, `web`, `results`, `eliciting` and `connection` import the SDK, which takes a second: `servers` has them imported on a thread.
"""
