"""How nodes become steps: importing this package registers what translates each operator."""

from convcli.interchange.onnx.reading.nodes import meetings, norms, pointwise, products, shaping, windows

__all__ = ["meetings", "norms", "pointwise", "products", "shaping", "windows"]
