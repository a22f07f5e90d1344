"""A network in an .onnx file, as layers of ours.

file.py makes a graph of the bytes; translation.py and nodes/ make a step of each node, with axes as in
views.py; nesting.py makes rows within rows of steps; rows.py and functions.py make layers of what belongs
together; foreign.py a network, importer.py a model.
"""
