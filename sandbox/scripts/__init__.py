"""One script for every kind of project: what is asked, about what, and what people answer."""
