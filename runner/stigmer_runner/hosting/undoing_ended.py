"""Puts the files of a turn back whose execution has ended: from what was kept of them, as long as that is there."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.home import Home
from stigmer_runner.errors import RunnerError
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.files.ledger import Ledger
from stigmer_runner.tools.files.snapshots import Snapshots
from stigmer_runner.tools.files.undoing import UNDOING, Undone, undo


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
    known = frozenset(snapshots.turns())
    turns = [turn for turn in snapshots.turns() if not turn.startswith(UNDOING)]
    files, ledger = Beneath(workspace.resolve(), (home.root, home.run)), Ledger()
    if request.turns:
        # What was put back once is as others left it since.
        for turn in reversed([turn for turn in request.turns if turn in known and f"{UNDOING}{turn}" not in known]):
            _note(answer, undo(files, snapshots, ledger, turn))
        return answer
    if not turns:
        answer.refused = "no tool has changed a file in this run, or what files were before it is not kept any more"
        return answer
    wanted = request.message_id or turns[-1]
    if wanted not in turns:
        answer.refused = f"no tool has changed a file in the turn of {wanted}: {', '.join(turns)} did"
        return answer
    _note(answer, undo(files, snapshots, ledger, wanted))
    return answer


def _note(answer: LinkRequest.EndedUndone, done: Undone) -> None:
    """A file that was left alone once is not as it was, whatever became of it before."""
    left = list(dict.fromkeys((*answer.left, *done.left)))
    paths = [path for path in dict.fromkeys((*answer.paths, *done.paths)) if path not in left]
    del answer.left[:], answer.paths[:]
    answer.left.extend(left)
    answer.paths.extend(paths)
