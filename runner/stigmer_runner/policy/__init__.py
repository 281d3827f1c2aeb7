"""What an agent may do by itself, decided from data: a policy, a call, and where it would run. Nothing in a workspace changes it.

Layers, lowest first: `decision`, `lexing`, `protected`, `showing`; `commands`, `subject`; `wrappers`; `rules`; `suggesting`,
`granting`, `binding`.
"""
