"""The keyboard world: frames that follow the keys being held."""
