"""What each rung protects against, and what not: sentences for `stigmer secrets status` and for the documentation."""

from collections.abc import Mapping, Sequence
from typing import Final

from stigmer_backend.secrets.master import Rung

_COPIES = "Copies of the store: a backup, a stolen disk, a synced directory open nothing."
_RUNNING = "A program of yours that runs outside the sandbox: it can ask the daemon as you can, and read what its runs are given."
_COMMANDS = "The commands of a run that is given a secret: they have it, and can send it anywhere they reach."

PROTECTS: Final[Mapping[Rung, Sequence[str]]] = {
    Rung.KEYRING: (
        _COPIES,
        "The same copies together with your files: the key is in the keyring, locked by your login.",
        "The machine when you are logged out, where the keyring locks itself then.",
    ),
    Rung.PASSPHRASE: (
        _COPIES,
        "The same copies together with your files: the key is made of a passphrase that is written nowhere.",
    ),
    Rung.SYSTEMD_CREDENTIAL: (
        _COPIES,
        "The same copies together with your files: systemd opens the credential for the daemon alone, with the machine's TPM where it has one.",
    ),
    Rung.MEMORY: (
        "Everything that reads the disk: the key is in the daemon's memory alone, and what is on the disk opens with no key that exists elsewhere.",
        "The time after the daemon stopped: the values are gone then.",
    ),
    Rung.FILE: ("Copies of the store that do not have the key file with them.",),
}

DOES_NOT_PROTECT: Final[Mapping[Rung, Sequence[str]]] = {
    Rung.KEYRING: (
        "A program of yours while the keyring is unlocked: most keyrings answer every program of their owner.",
        _RUNNING,
        _COMMANDS,
    ),
    Rung.PASSPHRASE: (
        "A passphrase that can be guessed: whoever has a copy can try, a tenth of a second and 32 MiB for each.",
        _RUNNING,
        _COMMANDS,
    ),
    Rung.SYSTEMD_CREDENTIAL: ("Whoever is root on this machine.", _RUNNING, _COMMANDS),
    Rung.MEMORY: ("A restart: secrets have to be set again.", _RUNNING, _COMMANDS),
    Rung.FILE: (
        "Whoever reads your files: the key lies beside what it opens, and a backup of the whole home has both.",
        _RUNNING,
        _COMMANDS,
    ),
}
