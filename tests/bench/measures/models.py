"""A model's answer on its way through `ModelPort`, and how long a provider takes to load."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import httpx2

from stigmer_apis.providers import PROVIDERS
from stigmer_runner.models.calling import NoKeys, ProviderModels
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import Done, ModelRequest, UserMessage
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench

TOKENS = 20_000
_PATHS = {"anthropic": "/v1/messages", "openai": "/v1/chat/completions"}


async def answers(bench: Bench) -> Sequence[Figure]:
    """20,000 tokens as fast as a provider in another process sends them, each in a chunk of its own."""
    script = bench.directory() / "script.yaml"
    script.write_text(f"turns:\n- text: ' word'\n  repeat: {TOKENS}\n")
    figures: list[Figure] = []
    async with _provider(script) as url:
        urls = {"anthropic": url, "openai": f"{url}/v1", "ollama": url}
        async with ProviderModels(ModelConfig(base_urls=urls), NoKeys()) as models:
            for provider, path in _PATHS.items():
                cpu: dict[str, list[float]] = {"port": [], "bare": []}
                await models.prewarm(provider)
                rounds = await in_turn(
                    bench.size(3, 9),
                    {
                        "port": _measured(cpu["port"], lambda name=provider: _through_port(models, name)),
                        "bare": _measured(cpu["bare"], lambda place=url + path: _bare(place)),
                    },
                )
                figures += _figures(
                    provider, rounds.median("port"), rounds.median("bare"), rounds.ratio("port", "bare"), cpu
                )
    return figures


def _figures(provider: str, port: float, bare: float, ratio: float, cpu: dict[str, list[float]]) -> Sequence[Figure]:
    through, without = (statistics.median(cpu[name]) / TOKENS * 1e6 for name in ("port", "bare"))
    return [
        Figure(
            name=f"{TOKENS:,} tokens from {provider}'s format to the loop",
            value=port,
            unit="s",
            baseline=bare,
            baseline_name="httpx2 reading lines and their JSON, nothing else",
            ratio=ratio,
            budget=at_most(1.0),
            method="a scripted provider in another process, one chunk a token, to the end of the stream",
        ),
        Figure(
            name=f"CPU for a token of {provider}'s format",
            value=through,
            unit="us",
            baseline=without,
            baseline_name="httpx2 reading lines and their JSON, nothing else",
            ratio=through / without,
            method="of the process that reads, over the same streams",
        ),
    ]


async def loading(bench: Bench) -> Sequence[Figure]:
    """What is spent ahead, on a thread, so that the first call does not wait for it."""
    figures: list[Figure] = []
    for provider in PROVIDERS:
        taken = [await _load(provider) for _ in range(bench.size(1, 5))]
        figures.append(
            Figure(
                name=f"loading what {provider} needs",
                value=statistics.median(taken),
                unit="s",
                method="in a fresh process, on a thread of it, before any message",
            )
        )
    return figures


def _measured(cpu: list[float], read: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[float]]:
    """Seconds that `read` takes; its CPU time goes to `cpu`."""

    async def measure() -> float:
        before = time.process_time()
        with timed() as watch:
            count = await read()
        cpu.append(time.process_time() - before)
        if count < TOKENS:
            raise AssertionError(f"{count} of {TOKENS} tokens came")
        return watch.seconds

    return measure


async def _through_port(models: ProviderModels, provider: str) -> int:
    request = ModelRequest(provider, "scripted", "", (UserMessage("hello"),))
    async with aclosing(models.stream(request)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.message.text.count("word")
    return 0


async def _bare(url: str) -> int:
    count = 0
    body: dict[str, object] = {"stream": True}
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60) as client,
        client.stream("POST", url, json=body) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                json.loads(line[6:])
                count += 1
    return count


async def _load(provider: str) -> float:
    program = (
        "import asyncio, sys, time\n"
        "from stigmer_runner.models.calling import NoKeys, ProviderModels\n"
        "from stigmer_runner.models.config import ModelConfig\n"
        "start = time.perf_counter()\n"
        "asyncio.run(ProviderModels(ModelConfig(), NoKeys()).prewarm(sys.argv[1]))\n"
        "print(time.perf_counter() - start)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, provider, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return float(output)


@asynccontextmanager
async def _provider(script: Path) -> AsyncGenerator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stigmer_runner.models.scripted", str(script), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()
