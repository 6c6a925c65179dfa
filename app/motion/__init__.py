"""The tab that moves a body by prompts."""
