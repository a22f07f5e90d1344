"""Results as tables, lines and progress bars. No mathematics beyond formatting."""
