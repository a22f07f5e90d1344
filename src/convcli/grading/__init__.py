"""A learner's own functions held against ours: operations, cases, what was found, and what it looks like."""
