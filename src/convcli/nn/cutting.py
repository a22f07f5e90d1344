"""How a batch is cut into pieces: by what the network is, and never by the machine, so that results agree."""

from __future__ import annotations

from convcli.nn.network import Network
from convcli.nn.tape import cut

# As many lanes (see `workers.py`) as a batch has pieces, so that as many can work on it, if the bytes hold
# their gradients.
MOST_LANES, FEWEST_LANES, LANE_BYTES = 64, 8, 1 << 26

# A batch is cut in so many pieces, where these do not get too small.
EVEN_PIECES = 8

# A piece's largest activation. Small pieces stay in the second-level cache; in large ones dense layers, whose
# weights are read once a piece, are faster. On the networks measured 32 images of 28×28×32 were best.
PIECE_BYTES = 1 << 22
PIECE_RANGE = (4, 64)

# Below this the calls themselves cost more than another worker could save.
SMALL_PIECE = 32

# Of a batch whose pieces are under way at once: each takes a thread.
MOST_AT_ONCE = 256


class Cutting:
    """How what goes through a network is cut.

    Attributes
    ----------
    most
        How many images a piece has at most, unless all pieces are under way at once or hold whole groups.
    most_lanes
        How many lanes there are at most.
    """

    def __init__(self, network: Network) -> None:
        self._sequence = network.sequence
        fitting = PIECE_BYTES // (4 * max(network.activations))
        self.most = max(PIECE_RANGE[0], min(fitting, PIECE_RANGE[1]))
        gradients = LANE_BYTES // (4 * max(network.trained.size, 1))
        self.most_lanes = max(FEWEST_LANES, min(gradients, MOST_LANES))

    def to_learn(self, size: int) -> tuple[int, int]:
        """Return how many pieces to cut a batch into, and groups."""
        fewest = -(-size // self.most)
        if self._sequence.couples_samples:
            fewest = min(fewest, MOST_AT_ONCE)
        pieces = max(fewest, _even(size), 1)
        if not (group := self._sequence.grouped):
            return pieces, pieces
        groups = max(size // group, 1)
        return min(pieces, groups), groups

    def lanes(self, pieces: int) -> int:
        """Return how many lanes so many pieces go in, so that all have about as much to do."""
        rounds = -(-pieces // self.most_lanes)
        return -(-pieces // rounds)

    def to_predict(self, count: int, *, shared: bool) -> list[slice]:
        """Return the pieces of so many images: as in a batch, but as few as fit where nobody shares them."""
        fewest = -(-count // self.most)
        return cut(count, max(fewest, _even(count)) if shared else fewest) if count else []


def _even(size: int) -> int:
    """Return how many pieces there are at least, as long as they are not too small."""
    return min(EVEN_PIECES, size // SMALL_PIECE)
