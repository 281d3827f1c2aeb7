"""What every part of Stigmer shares: the messages, and by hand and pure what gives them meaning.

- `protocol`: the numbers of the wire: version, limits, metadata keys.
- `home`: where state lives. `ids`, `slugs`: how things are named.
- `errors`: the error tree. `errors_grpc`: its one mapping to and from gRPC.
- `skill_form`: what a skill's folder and front matter are. `config`: the settings: file, environment, defaults. `logs`: what every log line looks like, and how long logs are kept.
- `documents`: YAML and JSON as nodes with places. `workflow`: the workflow language: model, reading, validation, graph.
- `expressions`: jq in a process of its own, for whoever checks or runs workflows.
- `fold`: from events to the published status. `status_update`: from a published status to events.
- `transport`: grpc, with the options of both ends of the wire.
- `ollama`: management of a local Ollama, for the command line and the runner; its HTTP library is loaded with the first call.
- `client`: the only client; also the Python SDK.
- `_generated`: code made from the .proto files; never edited.

Imports point one way: `client` uses all of the above; `errors_grpc` uses `errors` and `transport`; the rest do not know gRPC.
Importing this package loads neither protobuf nor grpc. It sets gRPC's environment, which must stand before anything loads it: in a process with
gRPC in it, its fork handlers kill children (measured), and its log lines must not reach a terminal that an app draws on.
"""

import os

from stigmer_apis._version import __version__

__all__ = ["__version__"]

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
