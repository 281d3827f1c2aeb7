"""The workflow language: what a document says, what is wrong in it, and what it looks like. Nothing in here runs a workflow.

The language is the CNCF Serverless Workflow DSL 1.0 (`document`, `do`), with `call: agent` for agents of Stigmer's and the dialect of Zigflow read as it is.

- `limits`. `values` and `model`: a document as frozen dataclasses, each part with its place in the file.
- `cron`: when a schedule is due. `fields`: one mapping of the file, field by field. `parts`, `calls`, `runs`, `waits` and `tasks` read with it, and `reading` is all of it in one call.
- `expressions`: `${ }`, found and checked for what can be told without evaluating it.
- `flow`: the ways from each task of a list. `checking`: what a document means, beyond its form: references, duplicates, unreachable tasks, undefined variables, limits.
- `messages`: the published messages (thirteen kinds) as documents, so that the same checks hold for them.
- `outline`: a document as a tree with the ways between tasks; `graph_text`, `graph_dot` and `graph_svg` draw it.

- `document_json`: a document as one JSON text, for whoever runs it.

No gRPC, no engine, no screen. Imports point up this list; `checking` has expressions compiled by `stigmer_apis.expressions`.
"""
