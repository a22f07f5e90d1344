"""What files begin with that no pattern says: brands of ISO's container, and the header of TGA files."""

from __future__ import annotations

from collections.abc import Callable


def branded(*brands: bytes) -> Callable[[bytes], bool]:
    """Return what says of first bytes that they are of a file in ISO's container with one of these brands.

    Source: ISO/IEC 14496-12, section 4.3; ISO/IEC 23008-12, annex B.
    """

    def is_branded(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        end = min(int.from_bytes(head[:4], "big"), len(head))
        found = {head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))}
        return not found.isdisjoint(brands)

    return is_branded


def is_tga(head: bytes) -> bool:
    """Whether a file begins as TGA files do, which have no sign of their own there.

    Source: Truevision TGA File Format Specification 2.0, 1991: the fields of the header.
    """
    if len(head) < 18:
        return False
    colour_map, kind, bits, described = head[1], head[2], head[16], head[17]
    sized = min(int.from_bytes(head[place : place + 2], "little") for place in (12, 14)) > 0
    mapped = kind in (1, 9)
    depths = {1: (8, 16), 9: (8, 16), 3: (8, 16), 11: (8, 16)}.get(kind, (15, 16, 24, 32))
    return (
        sized
        and kind in (1, 2, 3, 9, 10, 11)
        and colour_map == mapped
        and bits in depths
        and described & 0xC0 == 0
        and (head[7] in (15, 16, 24, 32) if mapped else not any(head[3:8]))
    )
