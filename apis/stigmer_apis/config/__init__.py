"""The settings of a Stigmer: `config.yaml`, the environment, and what counts where both say something. Knows files and text alone.

    configuration = load(Home.from_environment())
    configuration.settings.log.level
    configuration.values["log.level"].origin

Modules, from the bottom up: `choices`, `keys`, `model` (every setting, with its documentation), `schema` (the same as a list), `parsing` (texts and values);
`document` and `editing` (the file's text), `file` (the file on disk); `origins`, `resolving` (the cascade), `modes`; `changing` (one setting in the file);
`page` (the documentation).
"""

from stigmer_apis.config.choices import (
    BackendType,
    Deployment,
    EngineKind,
    ExecutionMode,
    KeyPreset,
    LogFormat,
    LogLevel,
    ProgressMode,
    Provider,
    SandboxType,
)
from stigmer_apis.config.keys import KeyEntry, KeyTable
from stigmer_apis.config.model import (
    Execution,
    Llm,
    Log,
    Notifications,
    Retention,
    Server,
    Settings,
    Telemetry,
    Temporal,
    Tui,
    Variables,
)
from stigmer_apis.config.modes import check_mode, missing_for_cloud
from stigmer_apis.config.origins import Origin, Source
from stigmer_apis.config.resolving import Configuration, Value, load

__all__ = [
    "BackendType",
    "Configuration",
    "Deployment",
    "EngineKind",
    "Execution",
    "ExecutionMode",
    "KeyEntry",
    "KeyPreset",
    "KeyTable",
    "Llm",
    "Log",
    "LogFormat",
    "LogLevel",
    "Notifications",
    "Origin",
    "ProgressMode",
    "Provider",
    "Retention",
    "SandboxType",
    "Server",
    "Settings",
    "Source",
    "Telemetry",
    "Temporal",
    "Tui",
    "Value",
    "Variables",
    "check_mode",
    "load",
    "missing_for_cloud",
]
