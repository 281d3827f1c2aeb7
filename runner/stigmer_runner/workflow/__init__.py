"""What the tasks of a workflow do: the activities that its interpreter asks for by name.

- `problems`: how they fail, as errors of the workflow language
- `secrets`: references to secrets become values just before use, and values leave nothing
- `reach`: where calls may go
- `web`, `proof`: HTTP, and how a call proves who is calling
- `activities`: what all activities share
"""
