"""The `stigmer` command. `--version` is answered before anything heavy is imported."""

import sys

INTERRUPTED = 130
"""As `stigmer_tui.cli.exit_codes` has it, which is not imported yet where this is needed."""


def main() -> int:
    """Run the command line; return its exit code (see `stigmer_tui.cli.exit_codes`)."""
    try:
        code = _run()
    except KeyboardInterrupt:  # before a command had begun, or behind its end
        code = INTERRUPTED
    if code == INTERRUPTED:  # Ctrl+C pressed again is no reason for a traceback
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


def _run() -> int:
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stigmer_apis._version import __version__

        sys.stdout.write(f"stigmer {__version__}\n")
        return 0
    from stigmer_tui.cli.root import run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
