"""`python -m convcli` and the console script."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from convcli.cli.app import main as run
    except KeyboardInterrupt:  # while still importing
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
