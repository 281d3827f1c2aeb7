"""Every setting, typed. The docstring below a field is its documentation: `docs/configuration.md` is made from this module.

A field's place in the tree is its key in the file (`backend.local.llm.model`); `about` names its variables and rules. What stands in `Variables` is read
from the environment alone, and its key is the variable's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

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
from stigmer_apis.config.keys import KeyTable

LATER_REMOTE = "with a hosted product, or where several daemons share one database"


class Form(Enum):
    """What a text has to look like, beside its type."""

    ANY = "text"
    URL = "a URL that begins with http:// or https://"
    ADDRESS = "host:port"
    ENDPOINT = "unix:PATH or host:port"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a field's type does not say."""

    variables: tuple[str, ...] = ()
    """Its variables, the first that is set counts."""
    form: Form = Form.ANY
    """For texts."""
    least: float | None = None
    most: float | None = None
    """For numbers: the range, both ends allowed."""
    secret: bool = False
    """A credential: masked when shown, never written to the file."""
    move: str = ""
    """For a credential: the command that puts it where it belongs."""
    older: tuple[str, ...] = ()
    """Older keys and variables of a file in the folder that is meant."""
    later: str = ""
    """When it will have an effect, where it has none yet."""
    default: str = ""
    """What happens where it is not set, in words, where the value alone does not say it."""


ABOUT = "stigmer"


def about(
    *variables: str,
    form: Form = Form.ANY,
    least: float | None = None,
    most: float | None = None,
    secret: bool = False,
    move: str = "",
    older: tuple[str, ...] = (),
    later: str = "",
    default: str = "",
) -> Mapping[str, About]:
    """A field's metadata: see `About`."""
    return {
        ABOUT: About(
            variables=variables,
            form=form,
            least=least,
            most=most,
            secret=secret,
            move=move,
            older=older,
            later=later,
            default=default,
        )
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Llm:
    """Which model answers where an agent names none."""

    provider: Provider | None = field(
        default=None,
        metadata=about("STIGMER_LLM_PROVIDER", default="by the model's name (`claude...`, `gpt-...`), else Ollama"),
    )
    """Who answers model calls."""
    model: str = field(default="", metadata=about("STIGMER_LLM_MODEL", default="none: then an agent has to name one"))
    """The model's name, as its provider writes it."""
    api_key: str = field(
        default="",
        repr=False,
        metadata=about("STIGMER_LLM_API_KEY", secret=True, move="stigmer secrets provider set {provider} --remember"),
    )
    """The key of the provider above. Better kept in the keyring."""
    base_url: str = field(
        default="", metadata=about("STIGMER_LLM_BASE_URL", form=Form.URL, default="the provider's own address")
    )
    """Where the provider above answers: for a proxy, or a server that speaks its protocol."""
    max_tokens: int | None = field(
        default=None,
        metadata=about("STIGMER_LLM_MAX_TOKENS", least=1, most=10_000_000, default="the model's own limit"),
    )
    """The most tokens that one answer may have."""
    temperature: float | None = field(
        default=None, metadata=about("STIGMER_LLM_TEMPERATURE", least=0, most=2, default="the model's own")
    )
    """How much chance an answer has in it, from 0 to 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Temporal:
    """The Temporal cluster that drives runs where `backend.local.execution.engine` is `temporal`."""

    managed: bool = field(default=False, metadata=about("STIGMER_TEMPORAL_MANAGED"))
    """Whether the daemon starts a development server of Temporal (`temporal server start-dev`) on this machine, keeps its database in `data`, and stops
    it with itself. Where it answers is found out then; `address` is not looked at."""
    program: str = field(default="temporal", metadata=about("STIGMER_TEMPORAL_PROGRAM"))
    """The program of that server: a name on the PATH, or an absolute path."""
    address: str = field(
        default="localhost:7233",
        metadata=about("TEMPORAL_SERVICE_ADDRESS", form=Form.ADDRESS),
    )
    """Where Temporal answers."""
    namespace: str = field(default="default", metadata=about("TEMPORAL_NAMESPACE"))
    """The namespace in it."""
    pages: str = field(default="", metadata=about("STIGMER_TEMPORAL_PAGES", form=Form.URL, default="none are known"))
    """Where Temporal's own pages are, for links to them: such as `http://localhost:8233`. With `managed` the server shows its pages there."""
    max_concurrency: int = field(default=10, metadata=about("TEMPORAL_MAX_CONCURRENCY", least=1, most=10_000))
    """Activities at once of one execution."""
    tls: bool = field(default=False, metadata=about("TEMPORAL_TLS"))
    """Whether the connection is encrypted. It is where a certificate or an API key is set."""
    tls_ca: Path | None = field(default=None, metadata=about("TEMPORAL_TLS_CA"))
    """The authority that the cluster's certificate must come from, PEM; absolute. Without it the system's roots count."""
    tls_cert: Path | None = field(default=None, metadata=about("TEMPORAL_TLS_CERT"))
    """The certificate that lets us in, PEM; absolute."""
    tls_key: Path | None = field(default=None, metadata=about("TEMPORAL_TLS_KEY"))
    """Its private key, PEM."""
    api_key_file: Path | None = field(default=None, metadata=about("TEMPORAL_API_KEY_FILE"))
    """A file that holds the API key of a hosted cluster, readable by you alone. The key itself never stands in a setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How commands are run."""

    engine: EngineKind = field(default=EngineKind.EMBEDDED, metadata=about("STIGMER_ENGINE"))
    """What drives runs that begin: `embedded`, the runner itself; `temporal`, a Temporal cluster (`backend.local.temporal`). A run stays with what it
    began with."""
    mode: ExecutionMode = field(default=ExecutionMode.AUTO, metadata=about("STIGMER_EXECUTION_MODE"))
    """What a command must have around it: `auto` makes walls where the machine can, and says so where it cannot; `sandbox` refuses to run
    without walls; `landlock` takes those of Landlock alone; `container` runs commands in a container for each session; `local` runs without."""
    sandbox_image: str = field(default="", metadata=about("STIGMER_SANDBOX_IMAGE"))
    """The image of the containers of the mode `container`; it has to have `sh`. For Podman also a directory, from the root, with a file tree."""
    auto_pull: bool = field(default=True, metadata=about("STIGMER_SANDBOX_AUTO_PULL"))
    """Whether that image is fetched where it is not here."""
    cleanup: bool = field(default=True, metadata=about("STIGMER_SANDBOX_CLEANUP"))
    """Whether a session's container is removed with the run that made it; else the session's next run goes on in it."""
    ttl: int = field(default=3600, metadata=about("STIGMER_SANDBOX_TTL", least=1, most=31_536_000))
    """Seconds after which a container that nothing used is removed."""
    approval_expiry: int = field(
        default=0,
        metadata=about("STIGMER_APPROVAL_EXPIRY", least=0, most=31_536_000, default="as long as you like"),
    )
    """Seconds that you have to decide about a tool call, where no policy says (`approvalExpiry`): then it counts as denied, and the agent is
    told so. 0: as long as you like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Which runs that have ended the daemon deletes by itself: those for which all that is set here holds. None, unless an age or a size is set."""

    older_than_days: int = field(default=0, metadata=about(least=0, most=36_500, default="of any age"))
    """Days since a run's end. They count up to a day behind the newest end at most, so that a clock that jumped ahead deletes nothing."""
    larger_than_mb: int = field(default=0, metadata=about(least=0, most=1_000_000, default="of any size"))
    """Megabytes of output and text, at least."""
    label: str = field(default="", metadata=about(default="with any labels"))
    """Only runs with this label, as `KEY=VALUE`."""
    keep_last: int = field(default=0, metadata=about(least=0, most=1_000_000, default="none of them"))
    """So many of the newest of them stay, however old and large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The backend on this machine."""

    endpoint: str = field(
        default="",
        metadata=about(
            "STIGMER_BACKEND_ENDPOINT",
            "STIGMER_SERVER_ADDR",
            form=Form.ENDPOINT,
            default="the daemon's own socket",
        ),
    )
    """Where the backend answers in the mode `cloud`, where `backend.cloud.endpoint` does not say it; documents of the past say `localhost:7234` or
    `localhost:50051`. The daemon here is always reached by its own socket."""
    data_dir: Path | None = field(
        default=None, metadata=about(older=("db_path", "DB_PATH"), default="`data` in Stigmer's home")
    )
    """The folder of the databases and of sessions' own workspaces; absolute, or below Stigmer's home. Nothing is moved when it changes: stop the
    daemon and move the folder yourself. The older `db_path` and the variable `DB_PATH` name a file: its folder is meant."""
    storage: str = field(default="", metadata=about("STIGMER_STORAGE", default="files in `data_dir`"))
    """Where resources and events are kept: `postgresql://USER@HOST:PORT/DATABASE` for a database of PostgreSQL (`docs/scaling.md`). The password never
    stands here: PGPASSFILE names a file with it."""
    standby: bool = field(default=False, metadata=about("STIGMER_STANDBY"))
    """Whether a daemon that finds its database in use by another one waits, and takes over when that is gone. For `storage` in PostgreSQL alone."""
    llm: Llm = field(default_factory=Llm)
    temporal: Temporal = field(default_factory=Temporal)
    execution: Execution = field(default_factory=Execution)
    retention: Retention = field(default_factory=Retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A remote backend."""

    endpoint: str = field(default="", metadata=about(form=Form.ADDRESS))
    """Where it answers."""
    token: str = field(
        default="",
        repr=False,
        metadata=about("STIGMER_API_KEY", secret=True, move="stigmer backend login"),
    )
    """What lets you in. Better kept in the keyring."""
    org_id: str = field(default="", metadata=about(later=LATER_REMOTE))
    """The organization."""
    env_id: str = field(default="", metadata=about(later=LATER_REMOTE))
    """The environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Who keeps everything."""

    type: BackendType = field(default=BackendType.LOCAL, metadata=about("MODE"))
    """`local`: the daemon on this machine, no login, none of `AUTH0_*`, `REDIS_*`, `DAYTONA_*` wanted. `cloud`: a remote backend and Daytona; what is missing
    for it is named, all at once. Commands, the app and `stigmer runner start` work against that server; a daemon here does not start then."""
    local: Local = field(default_factory=Local)
    cloud: Cloud = field(default_factory=Cloud)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What commands mean where they do not say it."""

    organization: str = field(default="", metadata=about(later=LATER_REMOTE))
    """The organization."""
    environment: str = field(default="", metadata=about(later=LATER_REMOTE))
    """The environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The logs of the daemon and of the runner, `server.log` and `runner.log` in `logs`."""

    level: LogLevel = field(default=LogLevel.INFO, metadata=about("LOG_LEVEL"))
    """The least severity that is logged. Libraries say warnings and worse alone, whatever this is: below that some quote what they carry."""
    format: LogFormat = field(
        default=LogFormat.TEXT,
        metadata=about("LOG_FORMAT", default="`text`; `json` where `ENV` is staging or production"),
    )
    """`text` for people, `json` for programs: one object a line."""
    size_mib: int = field(default=10, metadata=about(least=1, most=10_000))
    """A log that is larger is set aside, in MiB."""
    files: int = field(default=3, metadata=about(least=1, most=100))
    """How many that were set aside are kept: `server.log.1` is the youngest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """Read from the environment alone."""

    deployment: Deployment = field(default=Deployment.DEVELOPMENT, metadata=about("ENV"))
    """What kind of place this is: it changes logging and defaults only, never the mode or the sandbox."""
    anthropic_api_key: str = field(
        default="",
        repr=False,
        metadata=about("ANTHROPIC_API_KEY", secret=True, move="stigmer secrets provider set anthropic --remember"),
    )
    """The key for Anthropic."""
    openai_api_key: str = field(
        default="",
        repr=False,
        metadata=about("OPENAI_API_KEY", secret=True, move="stigmer secrets provider set openai --remember"),
    )
    """The key for OpenAI."""
    ollama_base_url: str = field(default="http://127.0.0.1:11434", metadata=about("OLLAMA_BASE_URL", form=Form.URL))
    """Where Ollama answers."""
    sandbox_type: SandboxType | None = field(
        default=None, metadata=about("SANDBOX_TYPE", later=LATER_REMOTE, default="what the mode brings with it")
    )
    """The kind of sandbox."""
    sandbox_root_dir: Path | None = field(
        default=None,
        metadata=about("SANDBOX_ROOT_DIR", later=LATER_REMOTE, default="`workspace` in the folder of the databases"),
    )
    """The folder of sessions' own workspaces."""
    grpc_port: int | None = field(
        default=None,
        metadata=about("GRPC_PORT", least=1, most=65_535, later="once the daemon can listen on TCP", default="no TCP"),
    )
    """The port for published clients."""
    storage_path: Path | None = field(
        default=None,
        metadata=about("STORAGE_PATH", later="never: skills are kept with everything else", default="not used"),
    )
    """Where others keep the files of skills; accepted, so that a setup of today goes on working."""
    daytona_api_key: str = field(
        default="",
        repr=False,
        metadata=about("DAYTONA_API_KEY", secret=True, move="stigmer secrets provider set daytona --remember"),
    )
    """The key for Daytona, for runs with `--sandbox daytona`."""
    daytona_api_url: str = field(
        default="", metadata=about("DAYTONA_API_URL", form=Form.URL, default="Daytona's own address")
    )
    """Where Daytona answers."""
    daytona_target: str = field(default="", metadata=about("DAYTONA_TARGET", default="Daytona's choice"))
    """Daytona's region."""
    redis_host: str = field(default="", metadata=about("REDIS_HOST", later=LATER_REMOTE))
    """Where Redis answers."""
    redis_port: int = field(default=6379, metadata=about("REDIS_PORT", least=1, most=65_535, later=LATER_REMOTE))
    """Its port."""
    redis_password: str = field(
        default="", repr=False, metadata=about("REDIS_PASSWORD", secret=True, later=LATER_REMOTE)
    )
    """Its password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """What is told while the terminal of the workstation is away: another window or pane is in front."""

    approval: bool = field(default=True, metadata=about())
    """A tool call waits for a decision."""
    question: bool = field(default=True, metadata=about())
    """An agent asks something."""
    failed: bool = field(default=True, metadata=about())
    """A run failed."""
    done: bool = field(default=True, metadata=about())
    """A run ended well."""
    bell: bool = field(default=True, metadata=about())
    """Whether the terminal's bell rings with it."""
    desktop: bool = field(default=True, metadata=about())
    """Whether the desktop is told too, by `notify-send` or what it has in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tui:
    """The workstation. A change has its effect at once, in those that run too."""

    theme: str = field(default="auto", metadata=about())
    """How it looks: the name of a theme, or `auto`: dark or light as the terminal's background is. `stigmer tui` then `:theme` shows them all; a file
    `themes/NAME.yaml` in Stigmer's home is one of your own."""
    preset: KeyPreset = field(default=KeyPreset.DEFAULT, metadata=about())
    """Keys of an editor that your hands know, on top of the usual ones."""
    keymap: KeyTable = field(default=KeyTable(), metadata=about(default="the preset's keys"))
    """A section with a line for each action whose keys you change, by its id: `run.search: ctrl+f, /`; `none` takes its keys away. The ids are in keys.md."""
    mouse: bool = field(default=True, metadata=about(default="`true`; read when the workstation starts"))
    """Whether the mouse is the workstation's. Without, it selects text as in any terminal."""
    title: bool = field(default=True, metadata=about())
    """Whether the terminal's title says how many runs go on and wait."""
    progress: ProgressMode = field(default=ProgressMode.AUTO, metadata=about())
    """Whether the terminal's tab or task bar shows that something runs: `auto` where the terminal is known to understand it."""
    remember: bool = field(default=True, metadata=about())
    """Whether the workstation opens where you left it."""
    notifications: Notifications = field(default_factory=Notifications)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The daemon on the network. Without `listen` it answers on this machine alone."""

    listen: str = field(default="", metadata=about("STIGMER_SERVER_LISTEN", form=Form.ADDRESS, default="nowhere"))
    """Where clients and runners of other machines find it, with TLS and API keys: `stigmer apikey`."""
    advertise: str = field(
        default="",
        metadata=about(
            "STIGMER_SERVER_ADVERTISE", form=Form.ADDRESS, default="this host's name, with the port of `listen`"
        ),
    )
    """Where other daemons on the same database find it (`docs/scaling.md`), where that is not the name of its host with the port that it listens on."""
    tls_cert: Path | None = field(
        default=None, metadata=about("STIGMER_SERVER_TLS_CERT", default="an authority of the home's own")
    )
    """The certificate to show, PEM, with those that lead to its authority; absolute, or below Stigmer's home."""
    tls_key: Path | None = field(default=None, metadata=about("STIGMER_SERVER_TLS_KEY"))
    """Its private key, PEM, unencrypted."""
    max_connections: int = field(default=1000, metadata=about(least=1, most=50_000))
    """Connections at once at `server.listen`; a further one is closed at once."""
    max_calls: int = field(default=2000, metadata=about(least=1, most=100_000))
    """Calls at once at `server.listen`, streams that stay open among them; a further one is refused."""
    compat_listener: bool = field(default=False, metadata=about("STIGMER_SERVER_COMPAT_LISTENER"))
    """Whether programs of this machine may come in at 127.0.0.1:7234 without a token, as published clients do. Whoever has an account on this machine
    then acts as you."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What the daemon tells tools that watch many programs. Nothing, until an address stands here. It takes the extra `telemetry`: `pip install 'stigmer[telemetry]'`."""

    endpoint: str = field(default="", metadata=about("OTEL_EXPORTER_OTLP_ENDPOINT", form=Form.URL, default="nowhere"))
    """Where traces and metrics are sent: a collector that takes OpenTelemetry's protocol over gRPC, such as `http://127.0.0.1:4317`. The other `OTEL_*`
    variables mean what they mean everywhere."""
    prometheus: str = field(
        default="", metadata=about("STIGMER_TELEMETRY_PROMETHEUS", form=Form.ADDRESS, default="nowhere")
    )
    """Where Prometheus may fetch figures: an address of this machine alone, such as `127.0.0.1:9464`. It takes no token, and tells numbers and names of methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them."""

    backend: Backend = field(default_factory=Backend)
    context: Context = field(default_factory=Context)
    log: Log = field(default_factory=Log)
    server: Server = field(default_factory=Server)
    telemetry: Telemetry = field(default_factory=Telemetry)
    tui: Tui = field(default_factory=Tui)
    variables: Variables = field(default_factory=Variables)
