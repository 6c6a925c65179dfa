"""Visitors' characters: understood by their bones, sent home with a take."""
