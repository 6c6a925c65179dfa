"""What every tab shares: the stream to the page, visitors, fair shares, the loader."""
