"""The pure core: values in, values out. No pytest, socket, clock, randomness or file."""
