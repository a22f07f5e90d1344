"""Arrays filtered by options as `filter_image` takes them, with all there is to say about the result."""

from __future__ import annotations

from convcli.filtering import Laying, Policy, apply, as_kernel

OTHERS = ("opacity", "depth", "max_pixels", "threads", "progress")


def filtered(image, kernel, **options):
    own = {name: options.pop(name) for name in OTHERS if name in options}
    policy = Policy(**options)
    return apply(image, (Laying(as_kernel(kernel), policy),), policy, **own)
