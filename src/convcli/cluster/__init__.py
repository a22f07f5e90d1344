"""Work on more than one machine. Each file is imported only where it is asked for."""

LOCAL = "local"
"""In the place of a scheduler's address: workers that are processes of this machine."""
