"""Stigmer's agents for editors: an agent of the Agent Client Protocol over standard input and output, served by `stigmer acp`.

- `telling`: events of an execution as updates for the editor, with no input and output of its own. `diffs`, `calls`, `output`: what they show.
- `prompts`: what the editor sends with a prompt. `modes`: policies by name. `permissions`: an approval put to the editor.
- `running`: one execution, followed. `sessions`: what is known about a session of the editor. `agent`: the protocol's methods.
- `serving`: the streams; nothing but the protocol reaches standard output.

The protocol's library is imported here and nowhere else in `stigmer_tui`; nothing but the command imports this package.
"""
