"""Pictures on a terminal: as coloured half-blocks, as plain characters, or by a protocol for pixels."""

from convcli.render.screen.screen import PROTOCOLS, Screen, drawn

__all__ = ["PROTOCOLS", "Screen", "drawn"]
