"""MAC-VAE: the motion-language-aligned causal VAE of CMDM (section 3.1).

Four poses become one 64-d latent, and neither direction looks ahead: convolutions pad on the left
only. Unlike CMDM's (`plain`), the layers are normed per time and use SiLU: ReLU stacks without
norms sat for hundreds of steps at the mean pose. Streaming keeps that left context as state, which
`decode` and `encode` update in place, so a stream equals the whole however it arrives. The
alignment that gives it its name is a training loss: see `train.vae`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.body.features import NUM_FEATURES, Heading
from core.config import Config
from core.motion.decode import PLAIN

StreamState = dict[str, Tensor]
"""Left context of every convolution, by the layer's name; empty at the start of a stream."""

STRIDE = 4
"""Poses a latent."""
INITIAL_LOG_VAR = -4.0
"""Of the posterior, where the shortcut starts from whitened components."""


class VAEConfig(Config):
    """Size of the VAE."""

    width: int = 192
    """Channels of every convolution."""
    latent_dim: int = 64
    """Numbers in a latent."""
    dilations: tuple[int, ...] = (9, 3, 1)
    """Dilation of each residual block of a ResNet."""
    shortcut: bool = True
    """Whether a linear map of four poses runs beside the convolutions, both ways. Started from a
    PCA it reconstructs to 4 cm before the first training step; CMDM has none."""
    plain: bool = False
    """Whether layers are ReLU without norms, as CMDM's are."""
    limit: float | None = 10.0
    """Deviations at which normalized features are cut; CMDM cuts none."""
    heading: Heading = "steady"
    """How features that are encoded say where a body faces, see `core.body.features.encode`."""
    align_dim: int = 256
    """Size of the aligner's frame features."""
    lookback: int = 0
    """Poses that the filter behind the decoder looks back on, with weights for each place in a
    latent, learnt with the decoder; 0: the same everywhere, 1/4, 1/2, 1/4."""


PUBLISHED = VAEConfig(width=1024, shortcut=False, plain=True, limit=None, heading="humanml3d")
"""What CMDM publishes: 76 M."""


class CausalConv1d(nn.Module):
    """Convolution over (B, C, T) that sees its own time and earlier only."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride=stride, dilation=dilation)
        self.left = (kernel - 1) * dilation + 1 - stride
        self.name = ""  # set by the VAE: the key of this layer's stream state

    def forward(self, x: Tensor, state: StreamState | None = None) -> Tensor:
        """Convolve (B, C, T); `state` holds the left context of a stream and is updated."""
        if state is None:
            return self.conv(F.pad(x, (self.left, 0)))
        left = state.get(self.name)
        if left is None:
            left = x.new_zeros(*x.shape[:2], self.left)
        x = torch.cat([left, x], dim=2)
        state[self.name] = x[:, :, x.shape[2] - self.left :]
        return self.conv(x)


class ChannelNorm(nn.Module):
    """RMS norm over the channels of (B, C, T): every time by itself, so it streams."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, T) with a mean square of one at every time."""
        return x * x.square().mean(1, keepdim=True).add(1e-6).rsqrt() * self.scale


class ResBlock(nn.Module):
    """Norm, SiLU, dilated convolution, SiLU, 1x1 convolution, around which the input goes on.

    A `plain` one has no norm, and ReLU.
    """

    def __init__(self, width: int, dilation: int, plain: bool = False) -> None:
        super().__init__()
        self.norm = nn.Identity() if plain else ChannelNorm(width)
        self.act = F.relu if plain else F.silu
        self.conv = CausalConv1d(width, width, 3, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, state: StreamState | None = None) -> Tensor:
        """Return (B, C, T) of the same shape."""
        return x + self.mix(self.act(self.conv(self.act(self.norm(x)), state)))


class Stack(nn.ModuleList):
    """Layers in a row, some of which stream."""

    def forward(self, x: Tensor, state: StreamState | None = None) -> Tensor:
        """Apply all layers in turn to (B, C, T)."""
        for layer in self:
            x = layer(x, state) if isinstance(layer, CausalConv1d | ResBlock) else layer(x)
        return x


class FeatureNetwork(nn.Module):
    """A network over features, which carries their statistics among its weights."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("std", torch.ones(NUM_FEATURES))

    def normalize(self, features: Tensor) -> Tensor:
        """Take features (..., 263) to mean 0 and deviation 1."""
        return (features - self.mean) / self.std


class MotionVAE(FeatureNetwork):
    """Encode normalized features (B, T, 263) to latents (B, T / 4, 64) and back."""

    kind = "motion-vae"
    Config = VAEConfig

    def __init__(self, cfg: VAEConfig) -> None:
        super().__init__()
        self.cfg = cfg
        w = cfg.width

        def resnet() -> list[nn.Module]:
            return [ResBlock(w, dilation, cfg.plain) for dilation in cfg.dilations]

        def act() -> list[nn.Module]:
            return [nn.ReLU()] if cfg.plain else [ChannelNorm(w), nn.SiLU()]

        down, up = [], []
        for _ in range(2):
            down += [CausalConv1d(w, w, 4, stride=2), *resnet()]
            up += [*resnet(), nn.Upsample(scale_factor=2), CausalConv1d(w, w, 3)]
        self.encoder = Stack(
            [
                CausalConv1d(NUM_FEATURES, w, 3),
                nn.ReLU() if cfg.plain else nn.SiLU(),
                *down,
                *([] if cfg.plain else act()),
                CausalConv1d(w, w, 3),
            ]
        )
        self.moments = nn.Linear(w, 2 * cfg.latent_dim)
        self.unpack = nn.Linear(cfg.latent_dim, w)
        self.decoder = Stack(
            [
                CausalConv1d(w, w, 3),
                *act(),
                *up,
                CausalConv1d(w, w, 3),
                *act(),
                CausalConv1d(w, NUM_FEATURES, 3),
            ]
        )
        if cfg.shortcut:
            self.patch = nn.Linear(STRIDE * NUM_FEATURES, cfg.latent_dim, bias=False)
            self.unpatch = nn.Linear(cfg.latent_dim, STRIDE * NUM_FEATURES, bias=False)
        self.align = nn.Linear(cfg.latent_dim, cfg.align_dim, bias=False)
        if cfg.lookback:
            plain = F.pad(torch.tensor(PLAIN * STRIDE), (cfg.lookback - 1, 0))
            self.filter = nn.Parameter(plain)
        for name, module in self.named_modules():
            if isinstance(module, CausalConv1d):
                module.name = name
        self._initialize()

    def _initialize(self) -> None:
        """Keep the signal's size through many layers without norms: He for convolutions (the
        default shrinks it a hundredfold), near zero for what joins a residual path."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, ResBlock):
                module.mix.weight.data.mul_(0.1)
        if self.cfg.shortcut:
            nn.init.zeros_(self.moments.weight)
            nn.init.zeros_(self.moments.bias)
            nn.init.constant_(self.moments.bias[self.cfg.latent_dim :], INITIAL_LOG_VAR)
            nn.init.zeros_(self.decoder[-1].conv.weight)

    def settle(self) -> None:
        """Lay weights as a GPU reads them, channels last, which it would do at every call."""
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                weight = module.weight.data
                module.weight.data = weight.mT.contiguous().mT

    @torch.no_grad()
    def start_from_pca(self, x: Tensor, weights: Tensor) -> None:
        """Set the shortcut to the whitened principal components of normalized poses x (N, 263).

        `weights` (263,) says how much the error of each feature matters.
        """
        scale = weights.sqrt().repeat(STRIDE).double()
        patches = x[: len(x) // STRIDE * STRIDE].unflatten(0, (-1, STRIDE)).flatten(1)
        patches = patches.double() * scale
        values, axes = torch.linalg.eigh(patches.T @ patches / len(patches))
        values = values[-self.cfg.latent_dim :].sqrt()
        axes = axes[:, -self.cfg.latent_dim :]
        self.patch.weight.copy_((axes / values).T * scale)
        self.unpatch.weight.copy_(axes * values / scale[:, None])

    def normalize(self, features: Tensor) -> Tensor:
        """Take features (..., 263) to about mean 0 and deviation 1."""
        # a heading that flips (a cartwheel) is no reason to shout: ten deviations are plenty
        x, limit = super().normalize(features), self.cfg.limit
        return x if limit is None else x.clamp(-limit, limit)

    def denormalize(self, x: Tensor) -> Tensor:
        """Undo `normalize`."""
        return x * self.std + self.mean

    def posterior(self, x: Tensor, state: StreamState | None = None) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, each (B, T / 4, 64); T must be a multiple of 4."""
        if x.shape[1] % STRIDE:
            raise ValueError(
                f"the number of poses must be a multiple of {STRIDE}, got {x.shape[1]}"
            )
        h = self.encoder(x.transpose(1, 2), state).transpose(1, 2)
        mean, log_var = self.moments(h).chunk(2, dim=-1)
        if self.cfg.shortcut:
            mean = mean + self.patch(x.unflatten(1, (-1, STRIDE)).flatten(2))
        return mean, log_var.clamp(-30, 20)

    def encode(self, x: Tensor, state: StreamState | None = None) -> Tensor:
        """Return the posterior's mean."""
        return self.posterior(x, state)[0]

    def filter_weights(self) -> Tensor:
        """Return the filter of `core.motion.decode.Smoother`, (STRIDE, lookback + 2)."""
        if not self.cfg.lookback:
            return torch.tensor(PLAIN * STRIDE)
        return self.filter / self.filter.sum(1, keepdim=True)  # what stands still stays

    def decode(self, z: Tensor, state: StreamState | None = None) -> Tensor:
        """Return normalized features (B, 4 T, 263) of latents (B, T, 64)."""
        y = self.decoder(self.unpack(z).transpose(1, 2), state).transpose(1, 2)
        if self.cfg.shortcut:
            y = y + self.unpatch(z).unflatten(2, (STRIDE, -1)).flatten(1, 2)
        return y
