"""`convcli doctor`: what convcli finds on this machine."""

from __future__ import annotations

from dataclasses import asdict

from convcli.cli.options import Json
from convcli.cli.output import note, out_text, print_json


def doctor(json: Json = False) -> None:
    """Tell what convcli finds on this machine: versions, BLAS and its kernels, processors, memory, extras.

    What is missing or slower than it could be is said in a note, with what to do. A report of a fault wants
    this output.

    \b
    Examples:
      convcli doctor
      convcli doctor --json
    """
    from convcli.doctor import examine
    from convcli.render.doctor import doctor_text

    found = examine()
    print_json(asdict(found)) if json else out_text(doctor_text(found))
    note(found.notes)
