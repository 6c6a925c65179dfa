"""Play recorded from a real engine: frames, the keys that led to them, and the engine's state."""
