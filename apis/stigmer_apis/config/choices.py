"""The closed sets that settings choose from."""

from enum import Enum, StrEnum


class BackendType(Enum):
    """Where the backend is."""

    LOCAL = "local"
    """The daemon on this machine: no login, nothing to set up."""
    CLOUD = "cloud"
    """A remote backend."""


class Deployment(Enum):
    """What kind of place this is; it changes logging and defaults, nothing else."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class LogFormat(Enum):
    """How a log line looks."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """One object a line, for programs."""


class LogLevel(Enum):
    """The least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Provider(StrEnum):
    """Who answers model calls."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    OLLAMA = "ollama"


class KeyPreset(Enum):
    """Whose keys the workstation has."""

    DEFAULT = "default"
    VIM = "vim"
    EMACS = "emacs"


class ProgressMode(Enum):
    """Whether the terminal is told of progress."""

    AUTO = "auto"
    """Where it is known to understand that."""
    ON = "on"
    OFF = "off"


class EngineKind(Enum):
    """What drives runs."""

    EMBEDDED = "embedded"
    """The runner itself: nothing else is needed."""
    TEMPORAL = "temporal"
    """A Temporal cluster."""


class ExecutionMode(Enum):
    """What a command must have around it."""

    AUTO = "auto"
    """Walls where the machine can make them; where it cannot, none, and that is said."""
    SANDBOX = "sandbox"
    """Walls, or the command is refused."""
    LANDLOCK = "landlock"
    """The walls of Landlock alone, or the command is refused."""
    CONTAINER = "container"
    """A container of Docker or Podman for each session (`sandbox_image`), or the command is refused."""
    LOCAL = "local"
    """No walls."""


class SandboxType(Enum):
    """The kind of sandbox that the mode brings with it."""

    FILESYSTEM = "filesystem"
    """Directories of this machine."""
    DAYTONA = "daytona"
    """Daytona's, for a remote backend."""


ALSO = {"warn": LogLevel.WARNING, "prod": Deployment.PRODUCTION, "dev": Deployment.DEVELOPMENT}
"""Other words for some of them."""
