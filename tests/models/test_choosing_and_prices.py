"""Which model a name means, and what a call of it costs."""

from pathlib import Path

import pytest

from stigmer_runner.models.choosing import ModelName, choose
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import AssistantMessage, Done, ModelError, StopReason, Usage
from stigmer_runner.models.prices import Price, Prices, PricesRefused, load_prices

BARE = ModelConfig()
GATEWAY = ModelConfig(provider="openai", model="claude-opus-5")


@pytest.mark.parametrize(
    ("name", "config", "meant"),
    [
        ("anthropic/claude-opus-5", BARE, ModelName("anthropic", "claude-opus-5")),
        ("claude-opus-5", BARE, ModelName("anthropic", "claude-opus-5")),
        ("gpt-5", BARE, ModelName("openai", "gpt-5")),
        ("o3-mini", BARE, ModelName("openai", "o3-mini")),
        ("gpt-oss:20b", BARE, ModelName("ollama", "gpt-oss:20b")),
        ("qwen2.5-coder:7b", BARE, ModelName("ollama", "qwen2.5-coder:7b")),
        ("olmo2", BARE, ModelName("ollama", "olmo2")),
        ("library/qwen3", BARE, ModelName("ollama", "library/qwen3")),
        ("openai/gpt-5", BARE, ModelName("openai", "gpt-5")),
        ("openai/meta/llama-4", BARE, ModelName("openai", "meta/llama-4")),
        ("meta/llama-4", GATEWAY, ModelName("openai", "meta/llama-4")),
        ("", GATEWAY, ModelName("openai", "claude-opus-5")),
        ("claude-sonnet-5", GATEWAY, ModelName("anthropic", "claude-sonnet-5")),
        ("mystery", GATEWAY, ModelName("openai", "mystery")),
    ],
)
def test_a_name_means(name: str, config: ModelConfig, meant: ModelName) -> None:
    assert choose(name, config) == meant


@pytest.mark.parametrize("name", ["", "  ", "openai/"])
def test_no_name_is_said(name: str) -> None:
    with pytest.raises(ModelError, match=r"no model|No model"):
        choose(name, BARE)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434"),
        ("http://h:1", "http://h:1"),
        ("", "http://127.0.0.1:11434"),
    ],
)
def test_ollamas_address_is_taken_with_and_without_v1(url: str, base: str) -> None:
    assert ModelConfig(base_urls={"ollama": url}).base_url("ollama") == base


def done(usage: Usage, model: str = "") -> Done:
    """An end with that usage."""
    return Done(AssistantMessage("x"), usage, StopReason.END, model)


def test_the_packaged_table_is_read_and_dated() -> None:
    prices = load_prices(None)
    usage = Usage(
        input_tokens=1_000_000, output_tokens=100_000, cached_input_tokens=500_000, cache_write_tokens=100_000
    )
    priced = prices.priced("anthropic", "claude-opus-5", done(usage)).usage
    assert priced.cost_micro_usd == 400_000 * 5 + 500_000 * 0.5 + 100_000 * 6.25 + 100_000 * 25


def test_a_long_request_costs_its_own_price() -> None:
    prices = load_prices(None)
    short, long = Usage(100_000, 1_000), Usage(100_001, 1_000)
    assert prices.priced("anthropic", "claude-haiku-5-5", done(short)).usage.cost_micro_usd == 10_500
    assert prices.priced("anthropic", "claude-haiku-5-5", done(long)).usage.cost_micro_usd == 50_000 + 2_500


def test_a_dated_name_has_its_models_price_and_another_version_has_none() -> None:
    prices = load_prices(None)
    assert prices.price("anthropic", "claude-opus-4-5-20251101") == prices.price("anthropic", "claude-opus-4-5")
    assert prices.price("openai", "gpt-5-mini-2025-08-07") == prices.price("openai", "gpt-5-mini")
    assert prices.price("anthropic", "claude-opus-5-9") is None
    assert prices.price("ollama", "qwen2.5-coder") is None
    assert prices.priced("ollama", "qwen2.5-coder", done(Usage(5, 5))).usage.cost_micro_usd == 0


def test_the_model_that_answered_is_what_costs() -> None:
    prices = Prices({"openai/a": Price(1, 1), "openai/b": Price(2, 2)})
    assert prices.priced("openai", "a", done(Usage(10, 0), "b")).usage.cost_micro_usd == 20
    assert prices.priced("openai", "a", done(Usage(10, 0), "unknown")).usage.cost_micro_usd == 10


def test_a_persons_table_stands_above(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(
        "prices:\n  anthropic/claude-opus-5: {input: 1, output: 2}\n  ollama/*: {input: 0.5, output: 0.5}\n"
    )
    prices = load_prices(tmp_path)
    assert prices.price("anthropic", "claude-opus-5") == Price(1, 2)
    assert prices.price("ollama", "anything") == Price(0.5, 0.5)
    assert prices.price("openai", "gpt-5-mini") is not None


@pytest.mark.parametrize(
    "text",
    [
        "prices: [",
        "nothing: 1",
        "prices: 5",
        "prices: {a/b: {input: 1}}",
        "prices: {a/b: {input: -1, output: 1}}",
        "prices: {a/b: {input: 1, output: .nan}}",
        "prices: {a/b: {input: yes, output: 1}}",
        "prices: {a/b: {input: 1, output: 1, per_call: 3}}",
        "prices: {a/b: {input: 1, output: 1, above: {input: 1, output: 1}}}",
        "prices: {a/b: {input: 1, output: 1, above: 3}}",
        "\x00",
    ],
)
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(PricesRefused, match=r"prices\.yaml"):
        load_prices(tmp_path)
