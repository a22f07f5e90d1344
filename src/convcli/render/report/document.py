"""A report's numbers as plain JSON: the same that its page shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from convcli.render.network import network_document
from convcli.report import Judged, Kernels, Report, Sample


def document(report: Report) -> dict[str, Any]:
    """Return all numbers of a report."""
    figures = report.figures.document()
    return {
        "data": report.data,
        "split": report.part,
        **figures,
        "confusions": [asdict(pair) for pair in report.confusions],
        "mistakes": {
            "count": report.wrong,
            "grad_cam": report.looked_at.number if report.looked_at else None,
            "surest": [_mistake(judged) for judged in report.mistakes],
        },
        "best": asdict(report.best) if report.best else None,
        "epochs": [asdict(row) for row in report.record.history],
        "network": network_document(report.model.network),
        "kernels": _kernels(report.kernels) if report.kernels else None,
        "feature_maps": [_sample(sample) for sample in report.samples],
        "timing": asdict(report.timing) if report.timing else None,
        "environment": dict(report.record.environment),
    }


def _mistake(judged: Judged) -> dict[str, Any]:
    """Return a mistake, and how much the maps of the layer that Grad-CAM takes speak for both classes."""
    why, largest = judged.why, None
    if why is not None:
        largest = {"predicted": float(why.predicted.max()), "true": float(why.true.max())}
    return {**_judged(judged), "grad_cam": largest}


def _judged(judged: Judged) -> dict[str, Any]:
    return {
        "image": judged.image,
        "true": judged.true,
        "predicted": judged.predicted,
        "probability": judged.probability,
        "true_probability": judged.true_probability,
    }


def _kernels(kernels: Kernels) -> dict[str, Any]:
    return {
        "layer": kernels.layer,
        "shape": list(kernels.weights.shape),
        "ranges": [[float(weights.min()), float(weights.max())] for weights in kernels.weights],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    layers = [
        {
            "layer": layer.layer,
            "shape": list(layer.maps.shape),
            "range": [float(layer.maps.min()), float(layer.maps.max())],
        }
        for layer in sample.layers
    ]
    return {**_judged(sample.judged), "layers": layers}
