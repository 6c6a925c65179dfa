"""A visitor's own character: read, moved by our poses, and taken home in its own file."""
