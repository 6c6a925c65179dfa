"""The tab that plays a world by keys."""
