"""`python -m convcli` and the console script."""

import atexit
import gc
import sys


def main() -> None:
    """Run the command line."""
    atexit.register(gc.freeze)  # or Python seeks cycles in all that was imported, and the process ends anyway
    try:
        from convcli.cli import blas

        blas.prepare()  # before NumPy is imported
        from convcli.cli.app import main as run
    except KeyboardInterrupt:  # while still importing
        sys.exit(130)
    run()


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, whose numpy.py is not the one that is meant
    main()
