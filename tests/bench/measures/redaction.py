"""How fast secrets are taken out of a terminal's output."""

import asyncio
import random
from collections.abc import Sequence

from stigmer_runner.redaction import Redactor
from tests.bench.figures import Figure, at_least
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench

MEGABYTES = 20
CHUNK = 16 * 1024
"""Bytes of one read of a terminal, about."""
PLANTED = 200


def _log(secrets: Sequence[str]) -> bytes:
    """A coloured log with secrets in it."""
    generator = random.Random(1)
    line = b"\x1b[32m2026-11-21T10:00:00\x1b[0m \x1b[1mINFO\x1b[0m request %08d took %d ms path=/api/v1/things\r\n"
    lines = [line % (number, generator.randint(1, 999)) for number in range(MEGABYTES * 1024 * 1024 // 90)]
    for secret in (generator.choice(secrets) for _ in range(PLANTED)):
        at = generator.randrange(len(lines))
        lines[at] = b"token=" + secret.encode() + b"\r\n" + lines[at]
    return b"".join(lines)


async def throughput(bench: Bench) -> Sequence[Figure]:
    """A log of 20 MB in reads of 16 KiB, with 5 and with 50 secrets, each in all its forms."""
    return [await _figure(bench, count) for count in (5, 50)]


async def _figure(bench: Bench, count: int) -> Figure:
    secrets = [f"sk-{random.Random(number).randbytes(24).hex()}" for number in range(count)]
    data = _log(secrets)
    redactor = Redactor({f"KEY{number}": secret for number, secret in enumerate(secrets)})

    async def redacted() -> float:
        return await asyncio.to_thread(_redact, data, redactor)

    async def copied() -> float:
        return await asyncio.to_thread(_copy, data)

    rounds = await in_turn(bench.size(2, 7), {"redacted": redacted, "copied": copied})
    return Figure(
        name=f"redaction of a terminal's output, {count} secrets",
        value=rounds.median("redacted"),
        unit="MB/s",
        baseline=rounds.median("copied"),
        baseline_name="the same reads, copied",
        ratio=rounds.ratio("redacted", "copied"),
        budget=at_least(60.0),
        method=f"{MEGABYTES} MB of coloured log with {PLANTED} secrets in it, fed in reads of {CHUNK // 1024} KiB; each secret in all its forms",
    )


def _redact(data: bytes, redactor: Redactor) -> float:
    stream = redactor.stream()
    with timed() as watch:
        for start in range(0, len(data), CHUNK):
            stream.feed(data[start : start + CHUNK])
        stream.close()
    return len(data) / 1e6 / watch.seconds


def _copy(data: bytes) -> float:
    with timed() as watch:
        b"".join(data[start : start + CHUNK] for start in range(0, len(data), CHUNK))
    return len(data) / 1e6 / watch.seconds
