"""Filters that are no sums: extremes, medians and other ranks of a window, and what compares its cells."""
