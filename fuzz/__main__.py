"""Fuzzes one target by atheris: python -m fuzz TARGET [libFuzzer's options] [corpus folders]."""

from __future__ import annotations

import importlib
import random
import sys

import atheris

LIBFUZZERS_SHARE = 5  # one change in so many is libFuzzer's own, even if the target says where to change


def main() -> None:
    """Run libFuzzer's loop until it finds something or its limits are reached."""
    with atheris.instrument_imports(include=["convcli", "tomllib"]):
        target = importlib.import_module(f"fuzz.targets.{sys.argv[1]}")

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.randrange(LIBFUZZERS_SHARE):
            changed: bytes = target.mutate(data, rng, lambda part: bytes(atheris.Mutate(part, max_size)))
            if len(changed) <= max_size:
                return changed
        return bytes(atheris.Mutate(data, max_size))

    own = {"custom_mutator": mutate} if hasattr(target, "mutate") else {}
    atheris.Setup([f"fuzz.{sys.argv[1]}", *sys.argv[2:]], target.test_one_input, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
