"""The plain form of running a command elsewhere than in this machine's own sandbox: in a container, and in Daytona's.

- `engine`: Docker or Podman, whichever answers
- `container`: a container for each command
- `daytona`: a sandbox of Daytona, over HTTP
- `choosing`: which of them somebody asked for
"""
