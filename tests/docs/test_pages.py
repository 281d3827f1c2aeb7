"""Every command on every page is run, or says why not."""

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, SHOWN, blocks_of, pages
from tests.docs.neighbours import neighbours
from tests.docs.reader import Reader, as_shown
from tests.support.workstation import new_workstation

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
LIBRARY = "sdk.md"


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks_of(page):
        known = block.language in SHOWN | {"console"} or (block.language == "python" and page.name == LIBRARY)
        assert known or "file" in block.options, (
            f"{block.place}: {block.language!r} is no kind of block; see tests/docs"
        )
        if block.language == "console":
            assert block.commands(), f"{block.place}: no command"
            assert block.options.keys() <= {"exit", "not-run"}, block.place
            assert block.options.get("not-run", "a reason"), f"{block.place}: say why it is not run"
        else:
            assert "file" in block.options or "\n$ " not in f"\n{block.text}", (
                f"{block.place}: a command in no console block"
            )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_a_page_does_what_it_says(page: Path) -> None:
    blocks = [block for block in blocks_of(page) if block.language == "console" or "file" in block.options]
    for block in blocks:
        if reason := block.options.get("not-run"):
            print(f"{block.place} is not run: {reason}")
    blocks = [block for block in blocks if "not-run" not in block.options]
    if not blocks:
        return
    with new_workstation() as workstation, Reader(workstation) as reader, neighbours() as called:
        for block in blocks:
            if "file" in block.options:
                reader.write(block.options["file"], called.placed(block.text))
                continue
            for command in block.commands():
                output, code = reader.do(command.line)
                wanted = int(block.options.get("exit", "0"))
                assert code == wanted, f"{block.place}: `{command.line}` ended with {code}, not {wanted}:\n{output}"
                shown = not command.expected or as_shown(output, command.expected)
                assert shown, f"{block.place}: `{command.line}` printed\n{output}\nand the page shows\n" + "\n".join(
                    command.expected
                )
