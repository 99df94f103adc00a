"""Speed and memory as figures: each is a size, or a ratio to something measured in the same run."""
