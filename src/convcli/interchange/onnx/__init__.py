"""ONNX: a trained network as a file that runtimes of all languages take, and such a file as a network.

`export.py` is the way out: a `graph.py` of what `nodes/` has for each layer, put together in `network.py`;
`quantization.py` makes it smaller. `reading/` is the way in.
"""
