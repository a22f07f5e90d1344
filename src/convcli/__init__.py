"""convcli: convolution as a command line and a small library, on one NumPy engine."""

__version__ = "0.1.0"
