"""Coverage-guided fuzzing of everything that reads foreign bytes; `fuzz/run.sh` starts it."""
