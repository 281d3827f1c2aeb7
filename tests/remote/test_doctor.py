"""What `stigmer doctor` says of the network."""

import socket

from stigmer_tui.checks.network import WITHOUT_TOKEN
from tests.load.living import free_port
from tests.support.workstation import new_workstation


def test_doctor_says_where_others_reach_the_server_and_what_is_told() -> None:
    at, told = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    with new_workstation(STIGMER_SERVER_LISTEN=at, STIGMER_TELEMETRY_PROMETHEUS=told) as workstation:
        workstation.run("server", "start")
        said = workstation.run("doctor", code=None).stdout.decode()
        assert f"answers on {at}, with TLS and API keys" in said
        assert f"Prometheus at http://{told}/metrics" in said
        assert "without a token" not in said


def test_the_listener_without_tokens_is_warned_about() -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 7234)) == 0:
            print(f"not tried: somebody else has {WITHOUT_TOKEN}")
            return
    with new_workstation(STIGMER_SERVER_COMPAT_LISTENER="true") as workstation:
        started = workstation.run("server", "start", code=None)
        if started.returncode:
            assert WITHOUT_TOKEN in started.stderr.decode(), "somebody took it a moment before"
            return
        done = workstation.run("doctor", code=1)
        assert f"{WITHOUT_TOKEN} takes calls without a token" in done.stdout.decode()
        assert "takes calls without a token" in workstation.log()
