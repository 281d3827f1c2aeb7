"""YAML and JSON as nodes, each with its place in the file. No protobuf, no gRPC, no command line and no screen in here.

- `sources`: files, directories and standard input as bytes with a name, within `limits`.
- `parsing`: bytes to `nodes`, in a child process (`parsing_child`, with `parsing_yaml`, `parsing_json` and `parsing_budget`) that may be killed and knows
  no environment.
- `problems`: what is wrong in a file, and where. `nearest`: the known name next to a typo.

Used for descriptions of resources and for workflow documents.
"""
