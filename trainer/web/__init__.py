"""The API: bytes to checked values, one thing done, a JSON answer of OpenAI's shape."""
