"""What the mode wants: nothing where it is local; where it is cloud, several things, named all at once."""

from typing import Final

from stigmer_apis.config.choices import BackendType
from stigmer_apis.config.resolving import Configuration
from stigmer_apis.errors import ConfigError

WANTED_BY_CLOUD: Final = (
    ("backend.cloud.endpoint", "STIGMER_BACKEND_ENDPOINT"),
    ("backend.cloud.token", "STIGMER_API_KEY"),
    ("DAYTONA_API_KEY", "DAYTONA_API_KEY"),
    ("REDIS_HOST", "REDIS_HOST"),
)
"""The settings that a remote backend needs, and the variable that gives each."""


def missing_for_cloud(configuration: Configuration) -> tuple[str, ...]:
    """The variables that are wanted where the mode is cloud, and are not set."""
    values = configuration.values
    given = {key for key, each in values.items() if each.value not in (None, "")}
    if values["backend.local.endpoint"].value:
        given.add("backend.cloud.endpoint")
    return tuple(variable for key, variable in WANTED_BY_CLOUD if key not in given)


def check_mode(configuration: Configuration) -> None:
    """Raises `ConfigError` where the mode is cloud: a daemon here would serve nobody. All that the mode wants and misses is named."""
    if configuration.settings.backend.type is BackendType.LOCAL:
        return
    origin = configuration.values["backend.type"].origin
    missing = missing_for_cloud(configuration)
    also = f"; for it are missing: {', '.join(missing)}" if missing else ""
    raise ConfigError(
        f"the mode is cloud ({origin}): the server is on another machine, and a daemon here would serve nobody{also}",
        remedy="to work for that server from here: `stigmer runner start`; to have a daemon here: `stigmer backend switch local`, and no MODE=cloud in the environment",
    )
