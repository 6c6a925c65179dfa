"""The command line: `python -m core motion | video | follow | edit | keys | import | list`.

Files and `--json` are the output; progress and errors go to stderr. A mistake of the caller ends in
one sentence and exit code 2.
"""

from __future__ import annotations

import typer

from core.cli.edit import edit
from core.cli.follow import follow
from core.cli.importing import import_released
from core.cli.keys import keys
from core.cli.listing import list_checkpoints
from core.cli.motion import motion
from core.cli.video import video

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Livestep: motion from text or video and worlds from keys, streaming.",
)
app.command()(motion)
app.command()(video)
app.command()(follow)
app.command()(edit)
app.command()(keys)
app.command("import")(import_released)
app.command("list")(list_checkpoints)

if __name__ == "__main__":
    app(prog_name="python -m core")
