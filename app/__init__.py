"""The page. May import core; nothing imports app."""
