"""Files that describe resources: from text to messages with a place for each field, and back. No click, no gRPC and no screen in here.

Text becomes nodes in `stigmer_apis.documents`. Here:

- `kinds`: which kinds there are and what people call them.
- `binding`: nodes to messages, by their descriptors; `scalars` and `shortcuts` are parts of it. `rules`: the contract's rules, with places.
  `workflows`: what a workflow's tasks mean.
- `reading`: all of this in one call: sources to `Document`s, or every `Problem` of all of them.
- `writing`: messages as YAML. `differences`: what changed between two. `schemas`: JSON Schemas for editors. `drafts`: files to start from.

Imports point up this list.
"""
