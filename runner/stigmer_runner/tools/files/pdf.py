"""The text of a PDF, page by page; run as a process of its own, because what is in a PDF is somebody else's."""

import os
from typing import cast

from pypdf import PdfReader

from stigmer_runner.tools.child import serve

MOST_CHARACTERS = 512 * 1024


def pages(question: dict[str, object]) -> dict[str, object]:
    """`{"fd", "first", "count"}` to `{"total", "pages": [...]}`; or `{"error"}` for what is no PDF that can be read."""
    descriptor, first, count = (cast(int, question[name]) for name in ("fd", "first", "count"))
    with open(descriptor, "rb", closefd=False) as file:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            reader = PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                return {"error": "it is encrypted, and no password is known"}
            total = len(reader.pages)
            texts: list[str] = []
            left = MOST_CHARACTERS
            for number in range(first - 1, min(total, first - 1 + count)):
                text = reader.pages[number].extract_text()[:left]
                texts.append(text)
                left -= len(text)
                if left <= 0:
                    break
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the library raises whatever a broken file makes of it
            return {"error": f"it cannot be read as one ({type(error).__name__})"}
    return {"total": total, "pages": texts}


if __name__ == "__main__":
    serve(pages)
