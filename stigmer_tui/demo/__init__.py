"""A demonstration: a real daemon, a real runner, a real sandbox, and a script in place of a model.

- `script.yaml`: what the script answers, as `docs/scripted-provider.md` describes. `project.yaml`: the project that it mends.
- `stage`: puts both up in a directory of their own, and takes them down again.
"""
