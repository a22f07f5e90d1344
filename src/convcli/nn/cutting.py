"""How a batch is cut into pieces: by what the network is, and never by the machine, so that results agree."""

from __future__ import annotations

from convcli.nn.network import Network
from convcli.nn.tape import cut

LANES = 8  # of pieces, see `workers.py`

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
    """

    def __init__(self, network: Network) -> None:
        self._sequence = network.sequence
        fitting = PIECE_BYTES // (4 * max(network.activations))
        self.most = max(PIECE_RANGE[0], min(fitting, PIECE_RANGE[1]))

    def to_learn(self, size: int) -> tuple[int, int]:
        """Return how many pieces to cut a batch into, and groups, so that lanes have about as much to do."""
        fewest = -(-size // self.most)
        if self._sequence.couples_samples:
            fewest = min(fewest, MOST_AT_ONCE)
        pieces = max(fewest, _one_a_lane(size), 1)
        if not (group := self._sequence.grouped):
            return pieces, pieces
        groups = max(size // group, 1)
        return min(pieces, groups), groups

    def to_predict(self, count: int, *, shared: bool) -> list[slice]:
        """Return the pieces of so many images: as in a batch, but as few as fit where nobody shares them."""
        fewest = -(-count // self.most)
        return cut(count, max(fewest, _one_a_lane(count)) if shared else fewest) if count else []


def _one_a_lane(size: int) -> int:
    """Return how many pieces give each lane one, as long as they are not too small."""
    return min(LANES, size // SMALL_PIECE)
