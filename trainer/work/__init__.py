"""What goes on behind the API: a job's life, and the threads that check, train and tell."""
