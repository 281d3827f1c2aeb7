"""The `stigmer` command. `--version` is answered before anything heavy is imported."""

import sys


def main() -> int:
    """Run the command line; return its exit code (see `stigmer_tui.cli.exit_codes`)."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from stigmer_apis._version import __version__

        sys.stdout.write(f"stigmer {__version__}\n")
        return 0
    from stigmer_tui.cli.root import run_command_line

    return run_command_line(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
