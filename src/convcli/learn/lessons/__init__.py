"""The twelve lessons, a file each: text, figure, exercises."""
