"""Flag, then environment, then file, then default; and every mistake is said with its place."""

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stigmer_apis.config import Configuration, Deployment, LogFormat, LogLevel, Provider, Settings, check_mode, load
from stigmer_apis.config.changing import set_value, unset_value
from stigmer_apis.config.document import MOST_BYTES
from stigmer_apis.config.model import Form
from stigmer_apis.config.schema import SETTINGS, VARIABLES
from stigmer_apis.errors import ConfigError, HomeError, NotFound
from stigmer_apis.home import Home

SECRET = "sk-not-a-real-one-31415"


@pytest.fixture
def home(short_tmp: Path) -> Home:
    return Home.at(short_tmp / "h", {})


def written(home: Home, text: str, environ: Mapping[str, str] | None = None, **flags: str) -> Configuration:
    home.prepare_root()
    home.config.write_text(text)
    return load(home, environ or {}, {key.replace("__", "."): value for key, value in flags.items()})


def refused(home: Home, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        written(home, text, environ)
    return caught.value.message


def test_with_nothing_said_everything_has_its_default(home: Home) -> None:
    configuration = load(home, {})
    assert configuration.settings == Settings()
    assert {str(value.origin) for value in configuration.values.values()} == {"default"}
    assert configuration.notes == ()


def test_the_cascade(home: Home) -> None:
    text = "log:\n  level: error\n  size_mib: 7\n"
    of_file = written(home, text)
    assert of_file.settings.log.level is LogLevel.ERROR
    assert str(of_file.values["log.level"].origin) == "file, line 2"
    of_environment = written(home, text, {"LOG_LEVEL": "debug", "LOG_FORMAT": " "})
    assert of_environment.settings.log.level is LogLevel.DEBUG
    assert str(of_environment.values["log.level"].origin) == "environment, LOG_LEVEL"
    of_flag = written(home, text, {"LOG_LEVEL": "debug"}, log__level="info")
    assert of_flag.settings.log.level is LogLevel.INFO
    assert str(of_flag.values["log.level"].origin) == "flag --level"
    assert of_flag.settings.log.size_mib == 7


def test_the_names_of_before(home: Home) -> None:
    """Every variable of the contract is known, and the file of today goes on working."""
    text = """
backend:
  type: local
  local:
    endpoint: localhost:50051
    db_path: /srv/stigmer/stigmer.db
    llm: {provider: anthropic, model: claude, base_url: "https://proxy.example/v1"}
    temporal: {managed: true, address: "localhost:7233"}
    execution: {mode: auto, sandbox_image: "img:1", auto_pull: yes, cleanup: off, ttl: 60}
  cloud: {endpoint: "api.example:443", org_id: o, env_id: e}
context: {organization: o, environment: e}
"""
    settings = written(home, text).settings
    assert settings.backend.local.data_dir == Path("/srv/stigmer")
    assert settings.backend.local.llm.provider is Provider.ANTHROPIC
    assert str(settings.backend.local.llm.provider) == "anthropic"
    assert settings.backend.local.execution.auto_pull
    assert not settings.backend.local.execution.cleanup
    for name in [
        "MODE",
        "ENV",
        "SANDBOX_TYPE",
        "SANDBOX_ROOT_DIR",
        "STIGMER_EXECUTION_MODE",
        "STIGMER_SANDBOX_IMAGE",
        "STIGMER_SANDBOX_AUTO_PULL",
        "STIGMER_SANDBOX_CLEANUP",
        "STIGMER_SANDBOX_TTL",
        "STIGMER_LLM_PROVIDER",
        "STIGMER_LLM_MODEL",
        "STIGMER_LLM_API_KEY",
        "STIGMER_LLM_BASE_URL",
        "STIGMER_LLM_MAX_TOKENS",
        "STIGMER_LLM_TEMPERATURE",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "OLLAMA_BASE_URL",
        "STIGMER_BACKEND_ENDPOINT",
        "STIGMER_SERVER_ADDR",
        "STIGMER_API_KEY",
        "TEMPORAL_SERVICE_ADDRESS",
        "TEMPORAL_NAMESPACE",
        "TEMPORAL_MAX_CONCURRENCY",
        "REDIS_HOST",
        "DAYTONA_API_KEY",
        "GRPC_PORT",
        "DB_PATH",
        "STORAGE_PATH",
        "LOG_LEVEL",
        "LOG_FORMAT",
    ]:
        assert name in VARIABLES, name
    assert load(home, {"DB_PATH": "/a/b/c.db"}).settings.backend.local.data_dir == Path("/a/b")


def test_a_folder_is_absolute_or_below_the_home(home: Home) -> None:
    assert (
        written(home, "backend: {local: {data_dir: elsewhere}}").settings.backend.local.data_dir
        == home.root / "elsewhere"
    )
    assert home.with_data(home.root / "elsewhere").data == home.root / "elsewhere"
    assert home.with_data(None) == home.with_data(home.root / "data") == home
    for folder in (home.root, home.root.parent, Path("/"), home.logs):
        with pytest.raises(HomeError, match="cannot be the folder of the databases"):
            home.with_data(folder)


def test_the_kind_of_place_changes_logging_and_defaults_alone(home: Home) -> None:
    for deployment in Deployment:
        configuration = load(home, {"ENV": deployment.value})
        differ = {
            key for key, value in configuration.values.items() if value.value != SETTINGS[key].default and key != "ENV"
        }
        assert differ == (set() if deployment is Deployment.DEVELOPMENT else {"log.format"})
    production = load(home, {"ENV": "production"})
    assert production.settings.log.format is LogFormat.JSON
    assert str(production.values["log.format"].origin) == "default, because ENV is production"
    assert load(home, {"ENV": "production", "LOG_FORMAT": "text"}).settings.log.format is LogFormat.TEXT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log:\n  levle: info", ":2:3: there is no setting log.levle: did you mean log.level?"),
        ("bakend:\n  type: local", ":1:1: there is no setting bakend: did you mean backend?"),
        ("backend:\n  lokal:\n    llm: {}", ":2:3: there is no setting backend.lokal: did you mean backend.local?"),
        ("backend:\n  local:\n    model: x", "did you mean backend.local.llm.model?"),
        ("zzzz: 1", "here can stand backend, context, log"),
        ("variables: {deployment: staging}", "there is no setting variables"),
        ("backend: {type: hybrid}", ":1:11: backend.type is 'hybrid': choose one of local, cloud"),
        ("log: {size_mib: 0}", "it must be a whole number from 1 to 10,000"),
        ("log: {size_mib: 1e3}", "whole number"),
        ("log: {size_mib: '10'}", "without quotes"),
        (f"log: {{size_mib: {'9' * 100_000}}}", "whole number"),
        ("backend: {local: {llm: {temperature: nan}}}", "it must be a number"),
        ("backend: {local: {llm: {temperature: 2.5}}}", "a number from 0 to 2"),
        ("backend: {local: {llm: {base_url: 'ftp://x'}}}", "http://"),
        ("backend: {local: {llm: {base_url: 'https://me:pass@x/'}}}", "no user and no password"),
        ("backend: {local: {temporal: {managed: maybe}}}", "true, false"),
        ("backend: {local: {endpoint: 'localhost'}}", "unix:PATH or host:port"),
        ("backend: {local: {endpoint: 'localhost:99999'}}", "unix:PATH or host:port"),
        ("backend: local", ":1:1: backend is a section, no value"),
        ("log: {level: {a: b}}", "log.level is a value, no section"),
        ("log: [a]", ":1:6: 'log' is no single value"),
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_place(home: Home, text: str, words: str) -> None:
    message = refused(home, text)
    assert words in message
    assert str(home.config) in message


def test_all_mistakes_are_said_at_once(home: Home) -> None:
    message = refused(home, "log: {level: loud, fromat: json}\nx: 1", {"ENV": "moon", "REDIS_PORT": "0"})
    assert len(message.splitlines()) == 5
    assert "ENV is 'moon': choose one of development, staging, production" in message


def test_a_nearly_right_variable_is_noted(home: Home) -> None:
    assert load(home, {"STIGMER_LLM_MODLE": "x", "STIGMER_HOME": "/x", "STIGMER_CI": "1"}).notes == (
        "the variable STIGMER_LLM_MODLE means nothing to Stigmer: did you mean STIGMER_LLM_MODEL?",
    )


def test_a_credential_in_the_file_is_used_and_shown_nowhere(home: Home) -> None:
    configuration = written(home, f"backend:\n  local:\n    llm:\n      provider: openai\n      api_key: {SECRET}\n")
    assert configuration.settings.backend.local.llm.api_key == SECRET
    [note] = configuration.notes
    assert "config.yaml:5" in note
    assert "stigmer secrets provider set openai" in note
    assert "stigmer config unset backend.local.llm.api_key" in note
    assert SECRET not in note + repr(configuration) + repr(configuration.settings)
    broken = refused(home, f'backend: {{cloud: {{token: "{SECRET}\\n"}}}}\nlog: {{level: x}}')
    assert SECRET not in broken
    assert SECRET not in refused(home, f"backend: {{local: {{llm: {{base_url: 'https://me:{SECRET}@x/'}}}}}}")


def test_no_credential_is_written_to_the_file(home: Home) -> None:
    for key in ("backend.local.llm.api_key", "backend.cloud.token"):
        with pytest.raises(ConfigError, match="none is ever written") as caught:
            set_value(home, key, SECRET)
        assert SECRET not in str(caught.value)
    assert not home.config.exists()


def test_the_mode_cloud_names_all_that_is_missing_at_once(home: Home) -> None:
    check_mode(load(home, {}))
    with pytest.raises(ConfigError) as caught:
        check_mode(load(home, {"MODE": "cloud"}))
    assert "missing: STIGMER_BACKEND_ENDPOINT, STIGMER_API_KEY, DAYTONA_API_KEY, REDIS_HOST" in caught.value.message
    given = {"STIGMER_BACKEND_ENDPOINT": "h:1", "STIGMER_API_KEY": SECRET, "DAYTONA_API_KEY": SECRET, "REDIS_HOST": "h"}
    with pytest.raises(ConfigError) as caught:
        check_mode(load(home, {"MODE": "cloud", **given}))
    assert "missing" not in caught.value.message
    assert "the server is on another machine" in caught.value.message


def test_set_writes_one_line_for_its_owner_alone(home: Home) -> None:
    set_value(home, "log.level", "WARN")
    assert home.config.read_text() == "log:\n  level: warning\n"
    home.config.write_text("# mine\n" + home.config.read_text())
    home.config.chmod(0o644)
    set_value(home, "log.size_mib", "5")
    assert home.config.read_text() == "# mine\nlog:\n  level: warning\n  size_mib: 5\n"
    assert home.config.stat().st_mode & 0o777 == 0o600
    assert unset_value(home, "log.level")
    assert not unset_value(home, "log.level")
    assert home.config.read_text() == "# mine\nlog:\n  size_mib: 5\n"
    assert [path.name for path in home.root.iterdir()] == ["config.yaml"]


def test_set_keeps_a_link_a_link_and_the_older_name_goes_with_unset(home: Home, short_tmp: Path) -> None:
    home.prepare_root()
    target = short_tmp / "dotfiles.yaml"
    target.write_text("backend: {local: {db_path: /srv/x.db}}\n")
    home.config.symlink_to(target)
    set_value(home, "log.files", "2")
    assert home.config.is_symlink()
    assert "files: 2" in target.read_text()
    assert unset_value(home, "backend.local.data_dir")
    assert "db_path" not in target.read_text()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("log.levle", "info", "did you mean log.level?"),
        ("log", "info", "no setting"),
        ("log.level", "loud", "choose one of"),
        ("log.level", " ", "choose one of"),
        ("context.organization", "", "needs a value"),
        ("context.organization", "a\x1bb", "cannot be printed"),
        ("ENV", "staging", "environment alone"),
    ],
)
def test_set_refuses_what_means_nothing(home: Home, key: str, value: str, words: str) -> None:
    with pytest.raises((ConfigError, NotFound)) as caught:
        set_value(home, key, value)
    assert words in str(caught.value)
    assert not home.config.exists()


def test_a_file_that_is_no_text_or_no_file_is_said(home: Home) -> None:
    home.prepare_root()
    for data, words in ((b"log:\n  level: \xff\n", ":2: this is not UTF-8"), (b"#" * (MOST_BYTES + 1), "256 KiB")):
        home.config.write_bytes(data)
        with pytest.raises(ConfigError, match=words):
            load(home, {})
    home.config.unlink()
    for make in (Path.mkdir, os.mkfifo):
        make(home.config)
        with pytest.raises((ConfigError, HomeError)):
            load(home, {})
        home.config.rmdir() if home.config.is_dir() else home.config.unlink()


def test_many_who_set_at_once_all_find_their_value_in_the_file(home: Home) -> None:
    keys = [
        key for key, setting in SETTINGS.items() if setting.in_file and setting.kind is str and not setting.about.secret
    ]
    values = {key: "http://h" if SETTINGS[key].about.form is Form.URL else "localhost:1" for key in keys}

    def write(key: str) -> None:
        set_value(home, key, values[key])

    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(write, keys))
    found = load(home, {}).values
    assert {key: found[key].value for key in keys} == values


def test_a_failed_write_leaves_the_file_as_it_was() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        home = Home.at(Path(directory) / "h", {})
        set_value(home, "log.level", "debug")
        (home.root / f".config.yaml.{os.getpid()}.new").mkdir()
        with pytest.raises(HomeError):
            set_value(home, "log.level", "info")
        assert load(home, {}).settings.log.level is LogLevel.DEBUG
