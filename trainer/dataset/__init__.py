"""OpenAI's rules for training files, and reading the files that keep them."""
