"""Traces and metrics: off until an address is set, then told to a real collector and to Prometheus; never a word of what was said."""

import asyncio
import subprocess
import sys
import urllib.request

import pytest

from stigmer_apis.config import Telemetry
from stigmer_apis.errors import ConfigError
from stigmer_backend.telemetry.facts import CallFact, Gauge
from stigmer_backend.telemetry.prometheus import PrometheusSink
from stigmer_backend.telemetry.telling import Telling
from stigmer_runner.models.scripted import Script, ScriptedProvider, Turn
from tests.load.living import free_port
from tests.support.waiting import eventually
from tests.support.workstation import new_workstation
from tests.telemetry.collector import collecting, texts

WORDS = "echo a-word-that-nobody-is-told; false"


async def test_a_collector_and_prometheus_are_told_of_calls_and_runs() -> None:
    async with collecting() as collector:
        at = f"127.0.0.1:{free_port()}"
        telling = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            "OTEL_SERVICE_NAME": "box",
            "STIGMER_TELEMETRY_PROMETHEUS": at,
        }
        with new_workstation(**telling) as workstation:
            await asyncio.to_thread(lambda: workstation.run("run", "shell", "-m", WORDS, code=None))
            status = (await asyncio.to_thread(lambda: workstation.run("server", "status"))).stdout.decode()
            assert f"told     Prometheus at http://{at}/metrics; OpenTelemetry to {collector.endpoint}\n" in status
            await eventually(lambda: bool(collector.named("run shell") and collector.named("execute_tool shell")))
            await eventually(lambda: {"stigmer.leases", "stigmer.tool.duration"} <= set(collector.metrics))
            await eventually(lambda: "stigmer.store_bytes" in collector.metrics)
            page = await asyncio.to_thread(fetch, f"http://{at}/metrics")
            log = workstation.home / "logs/server.log"
            assert "telemetry: OpenTelemetry to" in log.read_text()
            await asyncio.to_thread(lambda: workstation.run("server", "stop"))
        run = collector.named("run shell")[0]
        told = texts(run.attributes)
        assert (told["stigmer.kind"], told["stigmer.name"]) == ("agent", "shell")
        steps = [span for span in collector.spans if span.parent_span_id == run.span_id]
        assert [span.name for span in steps] == ["execute_tool shell"]  # The runner told it.
        assert steps[0].trace_id == run.trace_id
        assert run.start_time_unix_nano <= steps[0].start_time_unix_nano < steps[0].end_time_unix_nano
        creates = [span for span in collector.spans if span.name.endswith("AgentExecutionCommandController/create")]
        assert texts(creates[0].attributes)["rpc.response.status_code"] == "OK"
        assert collector.resources[0]["service.name"] == "box"
        assert {"stigmer.call.duration", "stigmer.run.duration", "stigmer.executions"} <= set(collector.metrics)
        assert b"a-word-that-nobody" not in collector.raw
        for line in ("stigmer_executions 1.0", "stigmer_runners 1.0", "stigmer_store_healthy 1.0"):
            assert line in page
        assert 'stigmer_run_seconds_count{kind="agent",phase="completed"} 1.0' in page
        assert 'method="create",service="ai.stigmer.agentic.agentexecution.v1' in page
        assert "a-word-that-nobody" not in page


async def test_a_model_call_is_told_by_the_runner_below_its_run_and_no_word_of_it() -> None:
    script = Script.of(Turn("an-answer-that-nobody-is-told"))
    async with collecting() as collector, ScriptedProvider(script) as provider:
        telling = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
            "OLLAMA_BASE_URL": provider.url,
            "STIGMER_LLM_MODEL": "ollama/small",
        }
        with new_workstation(**telling) as workstation:
            await asyncio.to_thread(lambda: workstation.run("run", "assistant", "-m", "a-question-untold"))
            await eventually(lambda: bool(collector.named("chat small") and collector.named("run assistant")))
            await eventually(lambda: "stigmer.model.tokens" in collector.metrics)
            await asyncio.to_thread(lambda: workstation.run("server", "stop"))
        run, call = collector.named("run assistant")[0], collector.named("chat small")[0]
        assert (call.trace_id, call.parent_span_id) == (run.trace_id, run.span_id)
        assert texts(call.attributes)["gen_ai.provider.name"] == "ollama"
        assert {"stigmer-server", "stigmer-runner"} <= {each["service.name"] for each in collector.resources}
        for words in (b"that-nobody-is-told", b"question-untold"):
            assert words not in collector.raw


def fetch(url: str) -> str:
    """A page over HTTP, without proxies."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.read().decode()


async def test_nothing_is_told_until_an_address_is_set() -> None:
    telling = Telling(Telemetry(), {})
    assert not telling.wanted
    assert telling.interceptors == ()
    assert telling.component() is None
    assert not Telling(Telemetry(endpoint="http://127.0.0.1:1"), {"OTEL_SDK_DISABLED": "true"}).wanted


def test_the_daemon_loads_no_library_of_telemetry_before() -> None:
    program = "import sys, stigmer_backend.daemon.serving; print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'prometheus'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"


def test_prometheus_listens_to_this_machine_alone() -> None:
    with pytest.raises(ConfigError, match="reached by others"):
        PrometheusSink("0.0.0.0:0", lambda: ())
    sink = PrometheusSink("127.0.0.1:0", lambda: (Gauge("things", "How many", 3),))
    try:
        with pytest.raises(OSError, match="cannot be answered"):
            PrometheusSink(sink.where.split("/")[2], lambda: ())
        sink.call(CallFact(service="s", method="m", code="OK", streams=True, began_ns=1, ended_ns=2))
        page = fetch(sink.where.split(" at ")[1])
        assert "stigmer_things 3.0" in page
        assert 'stigmer_streams_total{code="OK",method="m",service="s"} 1.0' in page
    finally:
        sink.close()


async def test_a_collector_that_is_away_holds_nothing_up() -> None:
    with new_workstation(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}") as workstation:
        await asyncio.to_thread(lambda: workstation.run("run", "shell", "-m", "true", code=0))
        await asyncio.to_thread(lambda: workstation.run("server", "stop", code=0))
