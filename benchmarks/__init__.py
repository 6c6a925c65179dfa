"""Speed and quality, measured by scripts that print JSON."""
