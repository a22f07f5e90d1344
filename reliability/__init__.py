"""Breaks convcli on purpose: kills it, cuts its power, trains for long; and sees that nothing is lost."""
