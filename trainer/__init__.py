"""A fine-tuning server of the shape of the OpenAI API, for one's own hardware."""
