"""Puts the files of a turn back whose execution has ended: from what was kept of them, as long as that is there."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.home import Home
from stigmer_runner.errors import RunnerError
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.files.ledger import Ledger
from stigmer_runner.tools.files.snapshots import Snapshots
from stigmer_runner.tools.files.undoing import UNDOING, undo


async def undo_ended(request: LinkResponse.UndoEnded, home: Home) -> LinkRequest.EndedUndone:
    """Put them back, or say why not."""
    try:
        return await asyncio.to_thread(_undo, request, home)
    except (RunnerError, OSError) as error:
        return LinkRequest.EndedUndone(request_id=request.request_id, refused=str(error))


def _undo(request: LinkResponse.UndoEnded, home: Home) -> LinkRequest.EndedUndone:
    answer = LinkRequest.EndedUndone(request_id=request.request_id)
    workspace = Path(request.workspace)
    if not workspace.is_dir():
        answer.refused = f"the workspace {workspace} is not there any more"
        return answer
    snapshots = Snapshots(home.root / "sessions" / request.session_id / "snapshots", request.execution_id)
    turns = [turn for turn in snapshots.turns() if not turn.startswith(UNDOING)]
    if not turns:
        answer.refused = "no tool has changed a file in this run, or what files were before it is not kept any more"
        return answer
    wanted = request.message_id or turns[-1]
    if wanted not in turns:
        answer.refused = f"no tool has changed a file in the turn of {wanted}: {', '.join(turns)} did"
        return answer
    done = undo(Beneath(workspace.resolve(), (home.root, home.run)), snapshots, Ledger(), wanted)
    answer.paths.extend(done.paths)
    answer.left.extend(done.left)
    return answer
