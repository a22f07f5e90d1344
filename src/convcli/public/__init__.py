"""What Python code holds in its hands, beside plain functions: models, networks, explanations, an estimator.

The library's door, as `cli/` is the command line's: it knows all rooms, and brings no mathematics of its own.
"""
