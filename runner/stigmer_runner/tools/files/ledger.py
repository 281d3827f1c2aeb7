"""What the model last saw of each file, so that a change by somebody else is noticed before it is overwritten."""


class Ledger:
    """Hashes of files as they were last read or written here, by path below the workspace."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def saw(self, path: str, content_hash: str) -> None:
        """The model knows this content of `path`; empty: that it is not there."""
        self._seen[path] = content_hash

    def known(self, path: str) -> str | None:
        """The content that the model knows, None where it never saw the file."""
        return self._seen.get(path)

    def forget(self, path: str) -> None:
        """Whatever the model saw of `path` counts no more."""
        self._seen.pop(path, None)
