"""What looks like a secret and is not guarded as one is told, with its place; the value never."""

from stigmer_tui.manifests.plain_secrets import plain_secrets
from tests.manifests.reads import documents

PLAIN = """\
kind: McpServer
metadata: {name: search}
spec:
  http:
    url: https://example.org/mcp
    headers:
      Authorization: Bearer hunter2-hunter2
      X-Api-Key: ${SEARCH_KEY}
      Accept: text/plain
  envSpec:
    data:
      REGION: {value: eu}
      SEARCH_KEY: {value: hunter2-hunter2, isSecret: true}
      OTHER_TOKEN: {isSecret: true}
      FILE_TOKEN: {value: hunter2-hunter2}
---
kind: Agent
metadata: {name: clerk}
spec:
  instructions: Answer what you are asked.
  mcpServers:
    - name: files
      stdio: {command: serve-files, envPlaceholders: {FILES_PASSWORD: hunter2-hunter2, ROOT: /srv}}
---
kind: Environment
metadata: {name: work}
spec:
  data:
    API_TOKEN: {value: hunter2-hunter2}
    OTHER_TOKEN: {value: hunter2-hunter2, isSecret: true}
"""


def test_each_is_told_with_its_place_and_without_its_value() -> None:
    found = documents(PLAIN)
    told = [str(problem) for document in found for problem in plain_secrets(document)]
    assert [words.split(": ")[0] for words in told] == ["f.yaml:7:7", "f.yaml:15:7", "f.yaml:23:55", "f.yaml:29:5"]
    assert all("hunter2" not in words for words in told)
    assert "write `${NAME}`" in told[0]
    assert "set `isSecret: true`" in told[1]
    assert "(spec.mcpServers[0].stdio.envPlaceholders.FILES_PASSWORD)" in told[2]
    assert "set `isSecret: true`" in told[3]
