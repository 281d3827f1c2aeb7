"""The durable definitions: what an execution does, step by step, whichever engine runs it.

Workflow code is deterministic and has no side effects; what it wants done is an activity, asked for by name. These modules
import the values in `messages` and names of the workflow library, nothing else, so that a Temporal worker can load them.

- `messages`: values between workflows and activities
- `agent_loop`: an agent's execution; a workflow's class
- `conversation`: one that a model drives; `asking`: the model, what it is shown, how it is asked; `tool_turn`: the tool calls of one answer; `delegating`: sub-agents; `bounding`: limits
- `deciding`: what waits for a person; `limits`, `compaction`: pure; `telling`: events; `steps`: how activities are asked for
- `workflow_messages`, `workflow_interpreter`: the execution of a workflow; what its tasks do is in `stigmer_runner.interpreter`
- `chronicle`: the events of an execution's own steps
"""
