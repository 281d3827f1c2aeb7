"""What a call of a server's tool answered, as a tool's result: bounded, and with pictures that a model can see."""

import json
from collections.abc import Sequence

from mcp.types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from stigmer_runner.models.port import Image
from stigmer_runner.tools.interface import ToolResult

LONGEST_TEXT = 128 * 1024
"""Characters of all texts that a model is given: the first and the last of them."""
MOST_IMAGES = 8
LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes."""

_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def result_of(answer: CallToolResult) -> ToolResult:
    """The result."""
    texts: list[str] = []
    images: list[Image] = []
    for block in answer.content:
        _take(block, texts, images)
    if not texts and answer.structured_content is not None:
        texts.append(json.dumps(answer.structured_content, ensure_ascii=False))
    text = "\n".join(texts) or ("" if images else "(it answered nothing)")
    return ToolResult(_bounded(text), is_error=answer.is_error, images=tuple(images))


def _take(block: ContentBlock, texts: list[str], images: list[Image]) -> None:
    match block:
        case TextContent(text=text):
            texts.append(text)
        case ImageContent():
            texts.extend(_picture(block, images))
        case AudioContent(mime_type=media_type):
            texts.append(f"[sound of the type {media_type}, which is not passed on]")
        case ResourceLink(uri=uri, name=name):
            texts.append(f"[a resource: {name} {uri}]")
        case EmbeddedResource(resource=TextResourceContents(uri=uri, text=text)):
            texts.append(f"[{uri}]\n{text}")
        case EmbeddedResource(resource=resource):
            texts.append(f"[{resource.uri}: bytes of the type {resource.mime_type}, which are not passed on]")


def _picture(block: ImageContent, images: list[Image]) -> Sequence[str]:
    """Take a picture; why not, in words, where it cannot be taken."""
    image = Image(block.mime_type, block.data)
    if block.mime_type not in _SHOWN:
        return [f"[a picture of the type {block.mime_type}, which models are not shown]"]
    if len(images) >= MOST_IMAGES:
        return [f"[one more picture: at most {MOST_IMAGES} are passed on]"]
    try:
        size = len(image.data)
    except ValueError:
        return ["[a picture that is not base64]"]
    if size > LARGEST_IMAGE:
        return [f"[a picture of {size} bytes: at most {LARGEST_IMAGE} are passed on]"]
    images.append(image)
    return []


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]}\n[{len(text) - LONGEST_TEXT} characters left out]\n{text[-half:]}"
