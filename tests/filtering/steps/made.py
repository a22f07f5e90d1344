"""Arrays through steps as users write them."""

from __future__ import annotations

from convcli.filtering import Policy, apply
from convcli.filtering.steps.parsing import step_of


def made(pixels, *texts, opacity=None, **options):
    return applied(pixels, *texts, opacity=opacity, **options).pixels


def applied(pixels, *texts, opacity=None, **options):
    return apply(pixels, [step_of(text) for text in texts], Policy(**options), opacity=opacity)
