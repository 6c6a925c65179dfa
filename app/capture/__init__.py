"""The tab that makes a motion of a video."""
