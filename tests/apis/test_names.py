"""Ids and slugs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_apis.ids import Prefix, is_id, new_id
from stigmer_apis.slugs import slugify


def test_an_id_is_a_prefix_and_a_ulid_in_lowercase() -> None:
    made = new_id(Prefix.AGENT_EXECUTION, clock=lambda: 1_469_918_176.385, entropy=lambda size: b"\x01" * size)
    assert made == "aex-01aryz6s41040g2081040g2081"
    assert new_id("agt").startswith("agt-")
    assert len({new_id("ses") for _ in range(1000)}) == 1000


def test_ids_sort_by_time() -> None:
    ids = [new_id("aex", clock=lambda now=now: now) for now in (0.0, 1.0, 1_700_000_000.0, 1_700_000_000.001, 1e9 * 9)]
    assert ids == sorted(ids)


@pytest.mark.parametrize("kind", ["agt", "ain", "ses", "aex", "wfl", "win", "wex", "env", "exec", "skl", "mcp"])
def test_the_published_prefixes(kind: str) -> None:
    assert is_id(new_id(Prefix(kind)), kind)


@pytest.mark.parametrize(
    "text", ["", "aex-", "aex-01ARZ3NYK1041041041041041", "aex-" + "z" * 26, "aex-" + "i" * 26, "AEX"]
)
def test_what_is_no_id(text: str) -> None:
    assert not is_id(text)
    assert not is_id(new_id("aex"), "agt")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Code Reviewer", "code-reviewer"),
        ("  a  b  ", "a-b"),
        ("a---b", "a-b"),
        ("Ünïcode & Co.", "ncode-co"),
        ("-x-", "x"),
        ("under_score", "underscore"),
        ("\x1b[31mred", "31mred"),
        ("…", ""),
        ("", ""),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert slugify(name) == slug


@given(st.text())
def test_a_slug_is_its_own_slug(name: str) -> None:
    slug = slugify(name)
    assert slugify(slug) == slug
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert "--" not in slug
    assert slug.strip("-") == slug
