"""The workflow language: what a document says, what is wrong in it, and what it looks like. Nothing in here runs a workflow.

The language is the CNCF Serverless Workflow DSL 1.0 (`document`, `do`), with `call: agent` for agents of Stigmer's and the dialect of Zigflow read as it is.

- `model`: a document as frozen dataclasses, each part with its place in the file.
- `fields`: one mapping of the file, field by field. `parts`, `calls`, `runs`, `waits` and `tasks` read with it, and `reading` is all of it in one call.
- `expressions`: `${ }`, found and checked for what can be told without evaluating it.
- `checking`: what a document means, beyond its form: references, duplicates, unreachable tasks, undefined variables, limits.
- `messages`: the published messages (thirteen kinds) as documents, so that the same checks hold for them.
- `graph`: tasks and the ways between them, as text, DOT and SVG (`drawing`).

Pure: no gRPC, no engine, no screen. Imports point up this list.
"""
