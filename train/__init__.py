"""Training scripts: they import core, never app."""
