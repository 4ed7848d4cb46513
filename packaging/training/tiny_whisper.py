"""Make the Whisper-shaped model of tests/data/tiny-whisper: it knows its own three clips, no more.

It is no real Whisper: 2+2 layers of width 64, a vocabulary of a few hundred tokens, trained from
random weights for a few minutes until it can say the sentences of three synthetic voices. The
real engine loads and runs it as it would a real one, so that the tests need no download.

Needs flite, and a virtual environment of its own with torch, transformers, ctranslate2 and
faster-whisper:

    nice python packaging/training/tiny_whisper.py tests/data/tiny-whisper --seconds 400
"""

import argparse
import copy
import json
import os
import subprocess
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from ctranslate2.converters.transformers import WhisperLoader
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

CLIPS = {
    "kettle": ("slt", "The kettle is on the stove."),
    "sister": ("rms", "My sister paints green boats."),
    "birds": ("awb", "Nine birds sat on a wire."),
}
RATE = 16_000
STEP_S = 0.02
WIDTH, HEADS, LAYERS, BATCH = 64, 2, 2, 6
IGNORED = -100
PLAIN_SHARE = 0.5  # of the examples that are taught without timestamps
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


@dataclass
class Example:
    """Features; tokens and when each is said; or silence, without tokens."""

    features: torch.Tensor
    tokens: list[int]
    spans: list[tuple[float, float]]
    end: float


def make_clips(folder: Path) -> dict[str, np.ndarray]:
    """Let flite say the sentences; float32 samples by name."""
    clips = {}
    for name, (voice, text) in CLIPS.items():
        path = folder / f"{name}.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        with wave.open(str(path)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        clips[name] = pcm.astype(np.float32) / 32768
    lines = [f"{name}.wav|{text}" for name, (_, text) in CLIPS.items()]
    (folder / "list.txt").write_text("\n".join(lines) + "\n")
    return clips


def make_tokenizer(path: Path) -> Tokenizer:
    """A byte-level BPE of our sentences, and Whisper's special tokens after it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        min_frequency=1,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([" " + text for _, text in CLIPS.values()], trainer)
    stamps = [f"<|{index * STEP_S:.2f}|>" for index in range(1501)]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in (*SPECIAL, *stamps)])
    tokenizer.save(str(path), pretty=False)
    return tokenizer


class Teacher:
    """Makes examples and token sequences."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        self.tokenizer = tokenizer
        self.random = np.random.default_rng(seed)
        self.extract = FeatureExtractor(feature_size=80)
        self.eot, self.sot, self.no_speech, self.plain = (
            tokenizer.token_to_id(token)
            for token in ("<|endoftext|>", "<|startoftranscript|>", "<|nospeech|>", SPECIAL[-1])
        )
        self.first_stamp = self.plain + 1

    def features(self, audio: np.ndarray) -> torch.Tensor:
        """As the engine computes them: padded to 30 s."""
        found = pad_or_trim(self.extract(audio.astype(np.float32))[..., :-1])
        return torch.from_numpy(found.astype(np.float32))

    def clip(self, audio: np.ndarray, text: str, lead: float) -> Example:
        """One clip after `lead` seconds of silence, louder or softer, with a little noise."""
        tokens = self.tokenizer.encode(" " + text, add_special_tokens=False).ids
        sizes = [len(self.tokenizer.decode([token])) for token in tokens]
        edges = np.cumsum([0, *sizes]) / sum(sizes)
        begin, end = lead + 0.1, lead + len(audio) / RATE - 0.1
        times = begin + (end - begin) * edges
        tail = np.zeros(int(self.random.uniform(0, 0.5) * RATE) if lead else 0)
        padded = np.concatenate([np.zeros(int(lead * RATE)), audio, tail])
        if lead:
            noise = self.random.normal(0, self.random.uniform(0, 0.002), len(padded))
            padded = padded * self.random.uniform(0.6, 1.2) + noise
        spans = list(zip(times[:-1].tolist(), times[1:].tolist(), strict=True))
        return Example(self.features(padded), tokens, spans, lead + len(audio) / RATE)

    def silence(self, level: float) -> Example:
        """Noise of some level, in which nobody speaks."""
        noise = self.random.normal(0, level, RATE * int(self.random.integers(1, 20)))
        return Example(self.features(noise), [], [], 0.0)

    def sequence(self, one: Example) -> tuple[list[int], list[int], list]:
        """What goes in, what must come out, and when it is said (None: no time)."""
        if not one.tokens:
            said = [self.sot, self.first_stamp, self.eot]
            return said[:-1], [self.no_speech, self.eot], [None, None]
        if self.random.random() < PLAIN_SHARE:
            said = [self.sot, self.plain, *one.tokens, self.eot]
            labels = [IGNORED, *said[2:]]
            return said[:-1], labels, [None, *one.spans, None]
        start = self.first_stamp + round(max(0.0, one.spans[0][0] - 0.1) / STEP_S)
        said = [self.sot, start, *one.tokens, self.first_stamp + round(one.end / STEP_S), self.eot]
        return said[:-1], said[1:], [None, *one.spans, None, None]


def make_examples(teacher: Teacher, clips: dict[str, np.ndarray]) -> list[Example]:
    """Every clip often, at different times, and some silence."""
    examples = [teacher.silence(level) for level in (0, 1e-4, 1e-3, 5e-3) for _ in range(2)]
    for name, audio in clips.items():
        text = CLIPS[name][1]
        examples += [teacher.clip(audio, text, 0.0) for _ in range(4)]
        leads = teacher.random.integers(1, 60, 14) * STEP_S
        examples += [teacher.clip(audio, text, lead) for lead in leads]
    return examples


def make_model(tokenizer: Tokenizer, teacher: Teacher) -> WhisperForConditionalGeneration:
    """Random weights in Whisper's shape."""
    config = WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * WIDTH,
        decoder_ffn_dim=4 * WIDTH,
        dropout=0.0,
        max_target_positions=448,
        bos_token_id=teacher.eot,
        eos_token_id=teacher.eot,
        pad_token_id=teacher.eot,
        decoder_start_token_id=teacher.sot,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    config._attn_implementation = "eager"  # noqa: SLF001 - the decoder's weights are looked at
    model = WhisperForConditionalGeneration(config)
    fast = copy.deepcopy(config)
    fast._attn_implementation = "sdpa"  # noqa: SLF001 - nobody looks at the encoder's
    for layer in model.model.encoder.layers:
        layer.self_attn.config = fast
    model.generation_config = GenerationConfig(
        suppress_tokens=[], begin_suppress_tokens=[teacher.eot], alignment_heads=[[LAYERS - 1, 0]]
    )
    return model


def batch_loss(
    model: WhisperForConditionalGeneration, teacher: Teacher, batch: list[Example]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross entropy of the tokens, and how far the last layer's first head looks beside them."""
    rows = [teacher.sequence(one) for one in batch]
    length = max(len(said) for said, _, _ in rows)
    said = torch.tensor([row + [teacher.eot] * (length - len(row)) for row, _, _ in rows])
    labels = torch.tensor([row + [IGNORED] * (length - len(row)) for _, row, _ in rows])
    features = torch.stack([one.features for one in batch])
    encoded = model.model.encoder(features).last_hidden_state
    out = model.model.decoder(said, encoder_hidden_states=encoded, output_attentions=True)
    logits = model.proj_out(out.last_hidden_state)
    entropy = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED
    )
    looks = out.cross_attentions[-1][:, 0].clamp_min(1e-8).log()
    frame = torch.arange(looks.shape[-1]) * STEP_S
    beside = [
        -looks[index, token, (frame >= span[0]) & (frame < max(span[1], span[0] + 0.04))].mean()
        for index, (_, _, spans) in enumerate(rows)
        for token, span in enumerate(spans)
        if span
    ]
    return entropy, torch.stack(beside).mean() if beside else torch.zeros(())


def train(
    model: WhisperForConditionalGeneration,
    teacher: Teacher,
    examples: list[Example],
    seconds: float,
) -> None:
    """Overfit within a time."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    begun, step = time.monotonic(), 0
    while (part := (time.monotonic() - begun) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 40) * (1 - part) ** 0.7 + 1e-5
        chosen = [examples[index] for index in teacher.random.integers(0, len(examples), BATCH)]
        entropy, beside = batch_loss(model, teacher, chosen)
        optimizer.zero_grad()
        (entropy + 0.15 * beside).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 25 == 0:
            print(step, f"{part:.0%} {entropy.item():.4f} {beside.item():.3f}", flush=True)


def convert(model: WhisperForConditionalGeneration, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model as CTranslate2 int8."""
    model.eval()
    spec = WhisperLoader().get_model_spec(model)
    by_id = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1])
    spec.register_vocabulary([token for token, _ in by_id])
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = model.generation_config.begin_suppress_tokens
    spec.config.alignment_heads = model.generation_config.alignment_heads
    spec.config.lang_ids = []
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    facts = {"feature_size": 80, "sampling_rate": RATE, "hop_length": 160, "chunk_length": 30}
    (folder / "preprocessor_config.json").write_text(json.dumps({**facts, "n_fft": 400}))


def show(folder: Path, clips: dict[str, np.ndarray]) -> None:
    """Print what the engine hears with the model just made."""
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    for audio in (*clips.values(), np.zeros(RATE, np.float32)):
        found, _ = model.transcribe(audio, language="en", word_timestamps=True)
        for segment in found:
            words = [f"{word.word}@{word.start:.2f}" for word in segment.words]
            print(segment.text, words, f"{segment.no_speech_prob:.2f}")
    print({name: os.path.getsize(folder / name) for name in sorted(os.listdir(folder))})


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=400)
    chosen = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    clips = make_clips(chosen.folder)
    tokenizer = make_tokenizer(chosen.folder / "tokenizer.json")
    teacher = Teacher(tokenizer, seed=0)
    model = make_model(tokenizer, teacher)
    train(model, teacher, make_examples(teacher, clips), chosen.seconds)
    convert(model, tokenizer, chosen.folder)
    show(chosen.folder, clips)


if __name__ == "__main__":
    main()
