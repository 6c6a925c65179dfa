"""CMDM: streaming text-to-motion (arXiv 2602.22594)."""
