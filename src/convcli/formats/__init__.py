"""Files of formats that are read and written here, byte for byte: .npy, safetensors, TOML."""
