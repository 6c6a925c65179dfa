"""The `blocks` world: its map, its pictures, and the engine that plays it (ViZDoom, optional)."""
