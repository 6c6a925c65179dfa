"""The characters that come with the page are those that the code makes."""

from __future__ import annotations

import numpy as np

from train.characters import FOLDER, main


def test_files_are_what_is_made(tmp_path):
    main(out=tmp_path)
    for path in tmp_path.iterdir():
        made, kept = (
            np.frombuffer((d / path.name).read_bytes(), np.uint8) for d in (tmp_path, FOLDER)
        )
        assert len(made) == len(kept)
        assert np.mean(made != kept) < 0.01  # processors differ in last digits
