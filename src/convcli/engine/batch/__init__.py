"""Batches of volumes, channels last: convolution and pooling forward, and their gradients."""
