"""What an editor sends with a prompt, as a message with its attachments."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from acp.schema import (
    AudioContentBlock,
    EmbeddedResourceContentBlock,
    ImageContentBlock,
    ResourceContentBlock,
    TextContentBlock,
    TextResourceContents,
)

from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment
from stigmer_apis.errors import InvalidArgument

Block = TextContentBlock | ImageContentBlock | AudioContentBlock | ResourceContentBlock | EmbeddedResourceContentBlock


@dataclass
class Prompt:
    """A message."""

    text: str
    attachments: list[Attachment] = field(default_factory=list[Attachment])


def read_prompt(blocks: Sequence[Block], *, is_command: bool) -> Prompt:
    """The message that the blocks make. Raises `InvalidArgument` for what an agent here cannot be given.

    `is_command`: the text is run as a command line. Then nothing but what a person typed is taken: a file that an editor adds must never run.
    """
    typed = [block.text for block in blocks if isinstance(block, TextContentBlock)]
    others = [block for block in blocks if not isinstance(block, TextContentBlock)]
    if is_command and others:
        raise InvalidArgument(
            f"the agent `shell` runs what it is sent; it cannot be sent a {others[0].type.replace('_', ' ')}",
            remedy="send the command line alone, or start `stigmer acp --agent NAME` with an agent that a model drives",
        )
    if is_command:
        prompt = Prompt("".join(typed))
    else:
        prompt = Prompt("")
        prompt.text = "".join(_words(block, prompt.attachments) for block in blocks)
    if not prompt.text.strip():
        raise InvalidArgument("the prompt says nothing", remedy="write what is to be done")
    return prompt


def _words(block: Block, attachments: list[Attachment]) -> str:
    match block:
        case TextContentBlock():
            return block.text
        case ResourceContentBlock():
            return f"\n[{block.name}]({block.uri})\n"
        case ImageContentBlock():
            name = f"image-{len(attachments) + 1}"
            attachments.append(Attachment(name=name, media_type=block.mime_type, data=_decoded(block.data, "image")))
            return ""
        case EmbeddedResourceContentBlock() if isinstance(block.resource, TextResourceContents):
            resource = block.resource
            given = Attachment(name=resource.uri, media_type="text/plain", data=resource.text.encode())
            attachments.append(given)
            return f"\n[attached: {resource.uri}]\n"
        case _:
            raise InvalidArgument(
                f"an agent cannot be sent {block.type.replace('_', ' ')} of this kind",
                remedy="send text, images, or text files",
            )


def _decoded(data: str, what: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgument(f"the {what} is not base64: {error}", remedy="send it as the protocol says") from error
