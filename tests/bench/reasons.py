"""Why a budget is missed where it is, by the beginning of the figure's name: told with the figure, so that no number is hidden."""

from tests.bench.figures import Figure

REASONS: dict[str, str] = {
    "durable append": (
        "each group of 64 KiB is also a chunk that goes to events.fs in a transaction of its own before the next group is taken; "
        "with four appends under way (next rows) that overlaps with the sync"
    ),
    "append to durable ack": "the sync itself: the disk was busy",
    "delta to a client over gRPC": (
        "a tail under load sends every 16 ms, half of which a delta waits on average; and 3,200 appends a second, "
        "each a frame of its own, take two thirds of a core in the daemon"
    ),
    "5,000 status updates": (
        "an append of its own costs 18 to 22 µs of CPU, one thread at a time: a task and a future of asyncio are 7 µs of it, "
        "the writer's thread another 7; the bar is 20 µs here"
    ),
    "page of 50 of": (
        "of some 12 µs the tree gives 50 pairs in 3 and the list is found in 3 more; making rows of the pairs costs the rest, 0.14 µs each, "
        "where sqlite makes them in C"
    ),
    "`stigmer apply` of one file": "the interpreter, the contract's rules and the process that reads YAML are started for one file",
    "page of 50, the whole RPC": (
        "a call that finds nothing costs nearly as much, and so does GetStatus (next row): token, policy, rules of the contract, masks and "
        "the way to a reader's thread and back are as much Python as gRPC's own loop; the 50 rows add a tenth"
    ),
    "terminal reader in the runner": "the reader shares two cores with `cat`, the terminal and other work",
    "terminal to client, stored": "the daemon: every byte is written twice (journal, events.fs), checked by CRC and digest, and copied by gRPC",
    "terminal to client: CPU": (
        "journal and events.fs with their CRCs and digests take 9 ms of it, gRPC's receiving and sending most of the rest; "
        "the budget is that of one hop that stores nothing"
    ),
    "write to client, idle": (
        "two gRPC hops and the journal between them: five sleeping threads are woken one after the other, "
        "and an event that comes while the journal syncs is shown after that sync"
    ),
    "board over": "the machine was busy: the daemon answers each page of the board by an index, in under 1 ms whatever their number",
    "journaled steps": "a step is a way to the daemon and back and a sync; it takes 0.3 ms of the runner's core and 0.2 ms of the daemon's",
    "rounds of a workflow": (
        "a round is two tasks, four events and a durable activity: it takes 0.5 ms of the runner's core, half of it in the workflow library and the loop, "
        "and 0.4 ms of the daemon's"
    ),
    "expression after the first": "jq takes 40 µs of it; the way to its process and back, two processes that wake each other, the rest",
    "replay of": "the machine was busy: alone it takes 0.2 s",
    "own time per command line": (
        "nearly all of it is the shell's own: bubblewrap, a supervising sh, bash and the snapshot of the state; "
        "engine and journal add 0.5 ms and a sync"
    ),
    "own time per tool turn, in bwrap": (
        "all processes of a turn take 28 ms of the two cores: the runner 9, walls 8, the daemon 4, shells 3, the provider 2; walls take 9 to 12 ms to make, most of it "
        "the kernel's, so two are on their way at a time, beside the commands before them"
    ),
    "own time per tool turn, without walls": (
        "the runner's Python takes 8 ms of a turn (engine and journal 3, tool and policy 2, the model's answer 1, gRPC 2); the choice of a shell and the making of the next "
        "run beside the one sync that a command waits for, the end of its processes beside the model's next answer"
    ),
    "own time per tool turn, in the app": (
        "as in bwrap, and the app takes 10 ms more of the two cores: each turn is eight events, drawn at most every 16 ms"
    ),
    "10 MB of output": "see terminal to client: the daemon stores as fast as it can",
    "first screen of the app": "imports of the app beside textual's, and the first layout",
    "usable board": "see first screen",
    "CPU of 100 idle terminals": (
        "the machine was busy: what other programs start and take is reason to look at commands, and each look costs more then"
    ),
    "10 MB from one command": "the machine was busy: alone it takes 0.2 s",
    "token sent to painted": "the machine was busy: alone it takes 11 ms, most of it the screen's own 60 drawings a second",
    "20,000 tokens, all shown": "the machine was busy: alone it takes 0.2 s",
    "memory with an agent": "the provider's library and the app's own imports",
    "idle CPU": "heartbeats of link and streams, and a clock that ticks each second in the app",
    "key to screen": "two cores for ten programs, daemon, runner, app and the measuring terminal",
    "open with": "the machine was busy: alone it takes 0.01 s",
    "open a store": "the machine was busy: alone it takes 0.01 s",
}

UNKNOWN = "not explained yet"


def reason_of(figure: Figure) -> str:
    """Why it is missed."""
    found = [begin for begin in REASONS if figure.name.startswith(begin)]
    return REASONS[max(found, key=len)] if found else UNKNOWN
