"""Work on more than one machine. Each file is imported only where it is asked for."""
