"""Skills: what an agent can learn when it needs it.

- `members`: what an archive may hold. `unpacking`: takes one apart, as a program of its own.
- `shelf`: the unpacked skills of this home, made when they are first wanted.
- `loading`: the skills of one execution. `tool`: the tool that gives a skill to a model.

A model is told the names and descriptions; the tool gives it the body of a SKILL.md; the files it reads, or runs in the sandbox, by itself.
What is unpacked cannot be changed by commands behind walls. What a skill would like to be allowed is shown to the person and allows nothing.
"""
