"""The command line: one file a command, each parses, calls, renders and echoes. No mathematics lives here."""
