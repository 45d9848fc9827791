"""What the architectures are whose files lie among language models and cannot chat.

llama.cpp's own names are those of its llm_arch list (src/llama-arch.cpp) in build 11669; the others are written
by ComfyUI-GGUF, stable-diffusion.cpp, whisper.cpp and TTS.cpp. What is not here is taken for a language model:
new ones appear every week, and llama-server says itself which it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_DRAFT = "a draft for another model, which it only helps to answer faster (spec-draft-model)"
_VOCODER = "a vocoder: the half of a speech model that turns its codes into sound (model-vocoder)"
_SPEECH = "a speech recognition model for another program, such as whisper.cpp"
_SPEAKING = "a speech synthesis model, which has no chat"
_IMAGE = "an image or video model for another program, such as ComfyUI"

_DRAFTS: Final = ("dflash", "dspark", "eagle", "eagle2", "eagle3", "medusa", "hydra")
# No causal language model: llama-server keeps no cache for them, and only llama-diffusion-cli runs them.
_DIFFUSING: Final = ("dream", "llada", "llada-moe", "rnd1", "diffusion-gemma")

_USES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(_DRAFTS, _DRAFT),
        **dict.fromkeys(("wavtokenizer-dec", "snac", "dac", "mimi", "encodec", "xcodec2"), _VOCODER),
        **dict.fromkeys(("whisper", "moonshine", "canary", "parakeet"), _SPEECH),
        **dict.fromkeys(("qwen3tts", "pockettts", "kokoro", "parler-tts", "dia", "orpheus"), _SPEAKING),
        **dict.fromkeys(("flux", "flux2", "sd1", "sd2", "sd3", "sdxl", "aura", "chroma", "lumina2"), _IMAGE),
        **dict.fromkeys(("wan", "hidream", "qwen_image", "ltxv", "hyvid", "cosmos", "z_image", "pig"), _IMAGE),
        **dict.fromkeys(_DIFFUSING, "a diffusion language model, which llama-server cannot chat with"),
        "t5": "an encoder-decoder model (T5), which llama-server cannot chat with",
        "vllm-decision2": "a decision model, which answers only llama-server's /v1/decisions",
    }
)
_DRAFT_ENDINGS: Final = ("-assistant", "-draft", "-mtp", "-nextn", "-eagle3")  # gemma4-assistant


def not_a_chat_model(architecture: str) -> str | None:
    """What a file of this architecture is ("a draft for …"); None where it may well be a language model."""
    if architecture.endswith(_DRAFT_ENDINGS):
        return _DRAFT
    return _USES.get(architecture)


DRAFT: Final = _DRAFT
