"""Shapes, plots, and what makes SVG and pixels of them. Nothing here knows what a result is."""
