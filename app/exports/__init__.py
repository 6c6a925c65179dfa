"""Files made of takes and recordings."""
