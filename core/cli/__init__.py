"""The commands behind `python -m core`, one file each."""
