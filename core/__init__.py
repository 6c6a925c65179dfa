"""Everything without a page: the shared engine, the motion model, rendering and export."""
