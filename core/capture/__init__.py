"""A reference becomes a motion: videos of a person, and motion files of other programs."""
