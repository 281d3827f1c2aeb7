"""What a model-driven run asks for: the activities behind `durable.conversation`.

Modules, from the bottom up:

- `windows`: how much a model can be shown
- `showing`: a tool's arguments as events tell them; `pieces`: text as it streams
- `ground`: what the activities of one execution share
- `prompt`, `remembering`: what a model is told before the first message
- `own_tools`: tools that the loop makes itself
- `setting_up`, `calling_model`, `tool_calls`, `telling`: the activities
- `family`: the activities of an agent and of its sub-agents
"""
