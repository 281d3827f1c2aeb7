"""What can go wrong with secrets. None of the words ever holds a value."""

from stigmer_apis.errors import DataLoss, FailedPrecondition, Unavailable


class SecretsLocked(FailedPrecondition):
    """There are values, and the key to them is not at hand."""


class SecretGone(FailedPrecondition):
    """The key of this value was destroyed: nobody can open it any more."""


class SecretBroken(DataLoss):
    """What is stored does not open: it was changed, or moved to another place."""


class MasterKeyWanted(Unavailable):
    """Raised inside a transaction that needs the master key before anybody fetched it. The same call a moment later finds it."""

    def __init__(self) -> None:
        super().__init__("the key to the secrets is being fetched", remedy="repeat the call in a moment")


class RungFailed(Exception):
    """A place for the master key does not work now. Its text says why and what to do, for a person."""
