"""Pictures of a video, one at a time, upright and small, by the ffmpeg that comes with imageio.

ffmpeg reads what browsers and phones make (H.264, HEVC, VP9, AV1, GIF), turns what phones filmed on
their side, and runs as a process of its own, so that a broken file cannot take ours along. Files
of uploads are not to be trusted: only containers of pictures are opened, never playlists that
would point to other files or to the network.

imageio_ffmpeg.read_frames is not used: it takes the pictures' size from what ffmpeg prints, where
two tags of a file can claim 30,000 x 30,000, and then reads all pictures as one. Here every picture
comes with its own size, which ffmpeg gave it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.settings import MOST_VIDEO_SECONDS

LEAST_SECONDS = 0.5
MOST_RATE = 30.5
"""Pictures a second beyond which only every second, third, ... is looked at."""
LEAST_RATE = 4.0
MOST_PIXELS = 40_000_000
"""Of a picture in the file: 8K has 33 million."""
MOST_DECODED = {"gif": 1_500_000_000}
"""Pixels of all pictures together, by codec: 20 s of 1920 x 1080, 30 a second."""
MOST_DECODED_OTHERWISE = 10_500_000_000
"""20 s of 3840 x 2160, 60 a second."""
ASK_SECONDS = 30
"""A file that takes longer to say what it is is given up."""
MOST_CPU_SECONDS, CPU_SECONDS, CPU_SECONDS_A_PIXEL = 300, 60, 25e-9
"""Decoding that takes more, at most and by what was told, is ended: a file may cost much and never
show a picture, or hold more than it tells."""
MOST_SIDE = 1280
"""Pixels; larger pictures are made smaller as they are decoded: networks see 256 pixels."""
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,mpeg,ogg,asf,flv,"
    "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,image2,mp3,wav,flac"
)
_PICTURES = {"image2", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"}
_SHRINK = f"min(1,{MOST_SIDE}/max(iw*sar,ih))"


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says about itself."""

    path: Path
    rate: float
    """Pictures a second that are looked at."""
    shown: float
    """Pictures a second that the file has."""
    seconds: float | None
    """Length, where the file tells it, from when its first track begins."""
    codec: str
    pixels: int = 0
    """Of a picture in the file."""
    stream: int = 0
    """Which of the file's tracks it is."""

    @property
    def decoded(self) -> float:
        """Pixels of all pictures in the file together."""
        seconds = MOST_VIDEO_SECONDS if self.seconds is None else self.seconds
        return self.pixels * self.shown * seconds


def _ffmpeg(path: Path, *options: str, seconds: float = MOST_CPU_SECONDS) -> list[str]:
    import imageio_ffmpeg

    most = str(round(min(seconds, MOST_CPU_SECONDS)))
    program = (imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-threads", "2")
    whitelists = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)
    limits = ("-max_pixels", str(MOST_PIXELS), "-timelimit", most)
    return [*program, *whitelists, *limits, "-i", f"file:{path.resolve()}", *options]


def open_video(path: str | Path) -> VideoInfo:
    """Ask a file what it is; raise ValueError with a sentence for what is no video to follow."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    name = path.name
    text = _ask(path).stderr.decode(errors="replace")
    kind = re.search(r"^Input #0, (\S+), from", text, re.MULTILINE)
    if kind is None:
        raise ValueError(
            f"{name} cannot be read as a video: it is damaged or of a kind that is not known here;"
            " MP4, MOV, WebM, MKV, AVI and GIF are, and of motion files BVH, GLB, glTF, VRMA, FBX,"
            " NPZ and NPY"
        )
    # at the begin of lines, where no comment of the file can stand: it is further in
    streams = re.findall(r"^  (?:    )?Stream #0:(\d+).*?: Video: (\w+)(.*)", text, re.MULTILINE)
    streams = [stream for stream in streams if "(attached pic)" not in stream[2]]
    if not streams:
        raise ValueError(f"{name} has sound but no pictures")
    index, codec, about = streams[0] if len(streams) == 1 else _moving(path, streams)
    if set(kind[1].split(",")) & _PICTURES:
        raise ValueError(_still(name))
    length = re.search(
        r"^  Duration: (\d+):(\d+):([\d.]+)(?:, start: ([\d.]+))?", text, re.MULTILINE
    )
    seconds = None
    if length:
        seconds = 3600 * int(length[1]) + 60 * int(length[2]) + float(length[3])
        start = float(length[4] or 0)
        if "matroska" in kind[1] and start < seconds:  # others do not count what comes before
            seconds -= start
        if seconds > MOST_VIDEO_SECONDS + 0.5:
            raise ValueError(_too_long(name, seconds))
    rates = re.search(r"([\d.]+)(k?) fps", about)
    shown = float(rates[1]) * (1000 if rates[2] else 1) if rates else 30.0
    shown = shown or 30.0
    if shown < LEAST_RATE:
        raise ValueError(
            f"{name} shows {shown:g} pictures a second; {LEAST_RATE:g} are the least from which a"
            " motion can be told"
        )
    rate = shown / np.ceil(shown / MOST_RATE)
    size = re.search(r", (\d+)x(\d+)", about)
    if size is None:
        raise ValueError(f"{name} holds no picture that could be decoded ({codec})")
    width, height = int(size[1]), int(size[2])
    video = VideoInfo(path, float(rate), shown, seconds, codec, width * height, int(index))
    _check_pixels(video, f"pictures of {width} x {height}")
    return video


def _ask(path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Have ffmpeg say what it finds in a file; raise ValueError where that takes too long."""
    command = _ffmpeg(path, *options)
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=ASK_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"{path.name} takes too long to open; it may be damaged") from error


def _moving(path: Path, streams: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    """The first of a file's tracks of pictures that has more than one; else the first."""
    packets = ("-map", "0:V", "-c", "copy", "-fs", "100000", "-f", "framecrc", "-")
    found = re.findall(rb"^(\d+),", _ask(path, *packets).stdout, re.MULTILINE)
    moving = (stream for i, stream in enumerate(streams) if found.count(b"%d" % i) > 1)
    return next(moving, streams[0])


def _check_pixels(video: VideoInfo, pictures: str) -> None:
    """Raise ValueError where decoding would cost too much, by what the file tells of itself."""
    name = video.path.name
    if video.pixels > MOST_PIXELS:
        most = MOST_PIXELS / 1e6
        raise ValueError(f"{name} has {pictures}; {most:g} megapixels are the most")
    most = MOST_DECODED.get(video.codec, MOST_DECODED_OTHERWISE)
    if video.decoded > most:
        raise ValueError(
            f"{name} has {video.decoded / video.pixels:.0f} {pictures}, {video.decoded / 1e6:,.0f}"
            f" megapixels together; {most / 1e6:,.0f} are the most, so make it smaller or cut out"
            " the part you want"
        )


def frames(video: VideoInfo) -> Iterator[np.ndarray]:
    """Yield pictures (H, W, 3) uint8 RGB at `video.rate`; close the iterator to stop early.

    Time counts from the first of them, whenever the file says that one is shown.
    Raises ValueError where there is but one picture, too few, or more than 20 s of them.
    """
    size = ":".join(
        f"{side}='2*max(1,trunc({length}*{_SHRINK}/2))'"
        for side, length in (("w", "iw*sar"), ("h", "ih"))
    )
    filters = f"setpts=PTS-STARTPTS,fps={video.rate:.6f},scale={size}:flags=area"
    shown = (
        "-map",
        f"0:{video.stream}",
        "-t",
        f"{MOST_VIDEO_SECONDS + 1:g}",
        "-vf",
        filters,
        "-pix_fmt",
        "rgb24",
    )
    form = ("-c:v", "ppm", "-f", "image2pipe", "-loglevel", "fatal", "-")
    cost = CPU_SECONDS + CPU_SECONDS_A_PIXEL * video.decoded
    command = _ffmpeg(video.path, *shown, *form, seconds=cost)
    count, most = 0, (MOST_VIDEO_SECONDS + 0.5) * video.rate
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1 << 20
    ) as decoder:
        try:
            while (frame := _next_picture(decoder.stdout)) is not None:
                count += 1
                if count > most:
                    raise ValueError(_too_long(video.path.name, None))
                yield frame
        finally:
            decoder.kill()
    name = video.path.name
    if not count:
        raise ValueError(f"{name} holds no picture that could be decoded ({video.codec})")
    if count == 1:
        raise ValueError(_still(name))
    if count / video.rate < LEAST_SECONDS:
        raise ValueError(
            f"{name} lasts {count / video.rate:.2g} s; {LEAST_SECONDS:g} s are the least"
        )


def _next_picture(pipe) -> np.ndarray | None:
    """Read one binary PPM: a header of three lines, then the pixels; None at the end."""
    header = [pipe.readline() for _ in range(3)]
    if header[0] != b"P6\n":
        return None
    width, height = (int(n) for n in header[1].split())
    pixels = pipe.read(3 * width * height)
    if len(pixels) < 3 * width * height:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _still(name: str) -> str:
    return f"{name} is a still picture; a video of a person who moves is needed"


def _too_long(name: str, seconds: float | None) -> str:
    lasts = f"lasts {seconds:.0f} s" if seconds else "is too long"
    return f"{name} {lasts}; {MOST_VIDEO_SECONDS:g} s are the most, so cut out the part you want"
