"""How a batch is cut into pieces: by what the network is, and never by the machine, so that results agree."""

from __future__ import annotations

from dataclasses import dataclass

from convcli.nn.network import Network
from convcli.nn.tape import cut

# As many lanes (see `workers.py`) as a batch has pieces, so that as many can work on it, if the bytes hold
# their gradients.
MOST_LANES, FEWEST_LANES, LANE_BYTES = 64, 8, 1 << 26

# A batch is cut in so many pieces, where these do not get too small; and where there are more, in a multiple
# of that, in lanes of equal length. So 2, 4 or 8 that share them have the same to do.
EVEN_PIECES = 8

# A piece's largest activation. Small pieces stay in the second-level cache; in large ones dense layers, whose
# weights are read once a piece, are faster. On the networks measured 32 images of 28×28×32 were best.
PIECE_BYTES = 1 << 22
PIECE_RANGE = (4, 64)

# Below this the calls themselves cost more than another worker could save.
SMALL_PIECE = 32

# Of a batch whose pieces are under way at once: each takes a thread.
MOST_AT_ONCE = 256


@dataclass
class Cutting:
    """How what goes through a network is cut.

    Attributes
    ----------
    most
        How many images a piece has at most, unless all pieces are under way at once or hold whole groups.
    most_lanes
        How many lanes there are at most.
    meets
        Whether pieces wait for each other, and are therefore all under way at once.
    group
        How many images layers take together, 0 if each by itself.
    """

    most: int
    most_lanes: int
    meets: bool = False
    group: int = 0

    @classmethod
    def of(cls, network: Network) -> Cutting:
        """Return how a network's batches are cut."""
        fitting = PIECE_BYTES // (4 * max(network.activations))
        most = max(PIECE_RANGE[0], min(fitting, PIECE_RANGE[1]))
        sequence = network.sequence
        return cls(most, most_lanes(network.trained.size), sequence.couples_samples, sequence.grouped)

    def to_learn(self, size: int) -> tuple[int, int]:
        """Return how many pieces to cut a batch into, and groups."""
        pieces = max(_whole_rounds(-(-size // self.most), self.most_lanes), _even(size), 1)
        if self.meets:
            pieces = min(pieces, MOST_AT_ONCE)
        if not self.group:
            return pieces, pieces
        groups = max(size // self.group, 1)
        return min(pieces, groups), groups

    def lanes(self, pieces: int) -> int:
        """Return how many lanes so many pieces go in, so that all have about as much to do."""
        rounds = -(-pieces // self.most_lanes)
        return -(-pieces // rounds)

    def to_predict(self, count: int, *, shared: bool) -> list[slice]:
        """Return the pieces of so many images: as in a batch, but as few as fit where nobody shares them."""
        fewest = -(-count // self.most)
        return cut(count, max(fewest, _even(count)) if shared else fewest) if count else []


def most_lanes(parameters: int) -> int:
    """Return how many lanes a network of so many parameters has at most."""
    gradients = LANE_BYTES // (4 * max(parameters, 1))
    return max(FEWEST_LANES, min(gradients, MOST_LANES) // EVEN_PIECES * EVEN_PIECES)


def _whole_rounds(pieces: int, most: int) -> int:
    """Return how many pieces to make of a batch for lanes of equal length, `most` at most.

    >>> _whole_rounds(25, most=16), _whole_rounds(9, most=64), _whole_rounds(5, most=64)
    (32, 16, 5)
    """
    if pieces <= EVEN_PIECES:
        return pieces
    whole = EVEN_PIECES * -(-pieces // most)
    return -(-pieces // whole) * whole


def _even(size: int) -> int:
    """Return how many pieces there are at least, as long as they are not too small."""
    return min(EVEN_PIECES, size // SMALL_PIECE)
