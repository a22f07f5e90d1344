"""The arithmetic: arrays in, arrays out, channels last, in the dtype given. No I/O, no configuration."""
