"""What a typed prompt asks for: steps in time, counts that are watched, unknown words."""
