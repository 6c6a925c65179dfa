"""Training of worlds that know where they are."""
