"""Real motions that are like a take or a prompt."""
