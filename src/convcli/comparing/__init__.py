"""Two images held against each other: brought to one kind, measured, and how alike they look."""

from convcli.comparing.comparison import Comparison, compare, doubts
from convcli.comparing.pairing import Channel, Pair, paired

__all__ = ["Channel", "Comparison", "Pair", "compare", "doubts", "paired"]
