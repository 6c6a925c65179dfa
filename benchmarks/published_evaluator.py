"""HumanML3D's own evaluator, which published tables are made with, for whoever has downloaded it.

Guo et al. (CVPR 2022, `text_mot_match`): strided convolutions over features without foot contacts,
then a bidirectional GRU; another GRU over word vectors and kinds of words. Layers have the names
of the released file, and the lists of words that matter are theirs.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from benchmarks.motion_items import LONGEST
from core.motion.downloads import (
    LEAST_STD,
    Layers,
    check_kind,
    find,
    read_array,
    read_statistics,
    read_weights,
)
from train.evaluator import INPUTS

WHOSE = "text-to-motion's release (its evaluator and GloVe files)"
STRIDE = 4
"""Poses of a movement."""
WIDTH, EMBEDDING = 512, 512
HIDDEN_MOTION, HIDDEN_TEXT = 1024, 512
WORD = 300
"""Numbers of a word's vector."""
MOST_TOKENS = 20
"""Of a caption; the rest is not read."""
MOST_PICKLED = 4_000_000
"""Bytes of a list of words."""
TAGS = "VERB NOUN DET ADP NUM AUX PRON ADJ ADV Loc_VIP Body_VIP Obj_VIP Act_VIP Desc_VIP OTHER"
KINDS = {kind: place for place, kind in enumerate(TAGS.split())}
MATTER = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down"
    " straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit"
    " lift lower raise wash stand kneel stroll rub bend balance flap jog shuffle lean rotate spin"
    " spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
"""Words that are a kind of their own, whatever part of speech they are."""
OWN_KIND = {word: KINDS[kind] for kind, words in MATTER.items() for word in words.split()}


class Recurrent(nn.Module):
    """Bidirectional GRU that begins in a learnt state, read out where both directions end."""

    pos_emb: nn.Module
    """Of kinds of words; the text encoder has it."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(inputs, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden),
            nn.LayerNorm(hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, EMBEDDING),
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, hidden))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, E) of (B, L, C), of which the first `lengths` (B,) are read."""
        packed = pack_padded_sequence(self.input_emb(x), lengths, True, enforce_sorted=False)
        _, last = self.gru(packed, self.hidden.repeat(1, len(x), 1))
        return self.output_net(torch.cat([last[0], last[1]], dim=-1))


class PublishedEvaluator(nn.Module):
    """Embed normalized features, and words with their kinds, into one space."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        convolutions = [
            part
            for inputs in (INPUTS, WIDTH)
            # the second place is that of dropout, which serves training only
            for part in (nn.Conv1d(inputs, WIDTH, 4, 2, 1), nn.Identity(), nn.LeakyReLU(0.2))
        ]
        self.movement_encoder = nn.ModuleDict(
            {"main": nn.Sequential(*convolutions), "out_net": nn.Linear(WIDTH, WIDTH)}
        )
        self.motion_encoder = Recurrent(WIDTH, HIDDEN_MOTION)
        self.text_encoder = Recurrent(WORD, HIDDEN_TEXT)
        self.text_encoder.pos_emb = nn.Linear(len(KINDS), WORD)
        for name in ("mean", "std"):
            self.register_buffer(name, torch.zeros(INPUTS + 4), persistent=False)

    def normalize(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std

    def embed_motion(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, E) of normalized features (B, T <= 196, 263) with mask (B, T)."""
        x = (x * mask[..., None])[..., :INPUTS].transpose(1, 2)
        # always of full length: what the first convolution says of padding is seen by the second
        h = self.movement_encoder["main"](F.pad(x, (0, LONGEST - x.shape[2])))
        movements = self.movement_encoder["out_net"](h.transpose(1, 2))
        return self.motion_encoder(movements, mask.sum(1).cpu() // STRIDE)

    def embed_text(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return (B, E) of words and kinds (B, L, 300 + 15), see Words, with mask (B, L)."""
        words, kinds = states.split([WORD, len(KINDS)], dim=-1)
        return self.text_encoder(words + self.text_encoder.pos_emb(kinds), mask.sum(1).cpu())


def load_evaluator(folder: Path) -> PublishedEvaluator:
    """Return the evaluator of a download; raise ValueError, in a sentence, for anything else."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; --evaluator is where the release was unpacked")
    mean, std = read_statistics(*(find(folder, f"meta/{x}.npy", WHOSE) for x in ("mean", "std")))
    if std.min() >= LEAST_STD:
        raise ValueError(
            "std.npy is that of HumanML3D's motions; the evaluator has one of its own, which lies"
            " in the folder meta of Comp_v6_KLD01"
        )
    path = find(folder, "text_mot_match/model/finest.tar", WHOSE)
    held, model = read_weights(path), PublishedEvaluator().requires_grad_(False)
    for part, _ in model.named_children():
        if not isinstance(held.get(part), dict):
            raise ValueError(f"{path} has no {part}; take the one of text_mot_match/model")
    layers = Layers(
        {
            f"{part}.{name}": x
            for part, _ in model.named_children()
            for name, x in held[part].items()
        },
        "the evaluator",
    )
    model.load_state_dict({k: layers.take(k, x.shape) for k, x in model.state_dict().items()})
    layers.end()
    model.mean, model.std = mean, std
    return model.eval()


class Words:
    """What the evaluator reads of a caption: its words' GloVe vectors beside their kinds."""

    width = WORD + len(KINDS)

    def __init__(self, folder: Path, tokens: Mapping[str, str]) -> None:
        """Read the vectors of a download; `tokens` are those of each caption, as `word/KIND ...`.

        Raises ValueError where a file is something else.
        """
        data, words, places = (
            find(folder, f"our_vab_{name}", WHOSE) for name in ("data.npy", "words.pkl", "idx.pkl")
        )
        vectors, known, place = read_array(data), _read_plain(words), _read_plain(places)
        self._tokens = tokens
        try:
            table = torch.from_numpy(vectors).float()
            self._vectors = {word: table[place[word]] for word in known}
            fits = all(x.shape == (WORD,) for x in (*self._vectors.values(), self._vectors["unk"]))
        except (KeyError, IndexError, TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(f"the our_vab files beside {data} do not belong together")

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states (B, L, 315) and mask (B, L) of captions of the set."""
        found = [self._read(self._tokens[prompt]) for prompt in prompts]
        lengths = torch.tensor([len(x) for x in found])
        states = pad_sequence(found, batch_first=True)
        return states, torch.arange(states.shape[1]) < lengths[:, None]

    def _read(self, tokens: str) -> Tensor:
        read = ["sos/OTHER", *tokens.split()[:MOST_TOKENS], "eos/OTHER"]
        return torch.stack([self._state(*token.rpartition("/")[::2]) for token in read])

    def _state(self, word: str, kind: str) -> Tensor:
        if word not in self._vectors:
            word, kind = "unk", "OTHER"
        place = OWN_KIND.get(word, KINDS.get(kind, KINDS["OTHER"]))
        return torch.cat([self._vectors[word], F.one_hot(torch.tensor(place), len(KINDS)).float()])


class _Plain(pickle.Unpickler):
    """Reads lists, dictionaries, strings and numbers, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain")


def _read_plain(path: Path) -> Any:
    check_kind(path)
    if path.stat().st_size > MOST_PICKLED:
        raise ValueError(f"{path.name} is too large for a list of words")
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(
            f"{path.name} is damaged, or holds more than words, so it was not opened"
        ) from error
