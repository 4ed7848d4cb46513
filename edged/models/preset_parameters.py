"""Which parameters of a manifest each preset (edged.models.presets) reads; without numpy, for lint.

docs/PRESETS.md explains them; a test holds both together.
"""

from collections.abc import Mapping

_SCORES = frozenset(("output", "activation", "label_offset", "labels_member"))
_PICTURES = frozenset(
    (
        "layout", "width", "height", "colours", "resize", "filter", "fill",
        "scale", "mean", "std", "max_megapixels",
    )
)  # fmt: skip
_SPECTROGRAMS = frozenset(
    (
        "frames", "n_mels", "mel_axes", "n_fft", "window_length", "hop_length", "fmin", "fmax",
        "power", "mel_scale", "mel_area", "log_offset", "log10", "centred", "mean", "std",
    )
)  # fmt: skip

PARAMETERS: Mapping[str, frozenset[str]] = {
    "image_classify": _SCORES | _PICTURES,
    "image_detect": _SCORES
    | _PICTURES
    | {"kind", "outputs", "box", "box_units", "objectness", "overlap"},
    "image_embed": _PICTURES | {"output"},
    "image_segment": _SCORES | _PICTURES | {"foreground", "mask_layout"},
    "audio_classify": _SCORES | _SPECTROGRAMS | {"kind", "hop_ms", "window_ms"},
    "speech_emotion": _SCORES | _SPECTROGRAMS | {"kind", "window_ms", "normalize"},
    "text_classify": _SCORES
    | {"kind", "vocabulary", "delimiter", "tokenizer", "lower", "max_tokens"},
}
"""By task."""
