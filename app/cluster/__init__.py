"""Many machines behind one page: an engine whose models and streams lie in Ray's actors."""
