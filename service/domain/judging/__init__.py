"""A model as the judge of two answers: what it is asked, what its reply says, and how far it is to be trusted."""
