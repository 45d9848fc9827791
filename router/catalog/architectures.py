"""What the architectures are whose files lie among language models and cannot chat.

llama.cpp's own names are those of its llm_arch list (src/llama-arch.cpp) in build 11669; the others are written
by ComfyUI-GGUF, stable-diffusion.cpp, whisper.cpp and TTS.cpp. What is not here is taken for a language model:
new ones appear every week, and llama-server says itself which it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DRAFT: Final = "a draft for another model, which it only helps to answer faster (spec-draft-model)"
_VOCODER = "a vocoder: the half of a speech model that turns its codes into sound (model-vocoder)"
_SPEECH = "a speech recognition model for another program, such as whisper.cpp"
_SPEAKING = "a speech synthesis model, which has no chat"
_IMAGE = "an image or video model for another program, such as ComfyUI"

_DRAFTS: Final = ("dflash", "dspark", "eagle", "eagle2", "eagle3", "medusa", "hydra")
# No causal language model: llama-server keeps no cache for them, and only llama-diffusion-cli runs them.
_DIFFUSING: Final = ("dream", "llada", "llada-moe", "rnd1", "diffusion-gemma")

_USES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(_DRAFTS, DRAFT),
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
# The rest of llm_arch, without what embeds: a build can chat with these, a newer one with more.
_NAMES: Final = """
llama llama4 deci falcon baichuan grok gpt2 gptj gptneox mpt starcoder refact bloom stablelm qwen qwen2
qwen2moe qwen2vl qwen3 qwen3moe qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp phi2 phi3 phimoe
plamo plamo2 plamo3 codeshell orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4
starcoder2 mamba mamba2 maple jamba falcon-h1 xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe
muse-glimmer openelm arctic deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4 chatglm glm4 glm4moe
glm-dsa bitnet jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4 exaone-moe rwkv6 rwkv6qwen2
rwkv7 arwkv7 granite granitemoe granitehybrid graniteswitch granite_swa chameleon plm bailingmoe
bailingmoe2 bailingmoe3 dots1 dots3note arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe
hunyuan-dense hunyuan_vl hy_v3 hy_v4 smollm3 gpt-oss lfm2 lfm2moe smallthinker seed_oss grovemoe apertus
minimax-m2 cogvlm pangu-embedded mistral3 mistral4 paddleocr mimo2 step35 spark2_5 maincoder maion-coder
kimi-linear kimi-k3 glm5-next talkie mellum minimax-m3 nanbeige minimax-01 hrm_text k2-horizon
"""
_CHATTING: Final = frozenset(_NAMES.split())
_DRAFT_ENDINGS: Final = ("-assistant", "-draft", "-mtp", "-nextn", "-eagle3")  # gemma4-assistant


def not_a_chat_model(architecture: str) -> str | None:
    """Return what a file of this architecture is ("a draft for …"); None where it may well be a language
    model."""
    if architecture.endswith(_DRAFT_ENDINGS):
        return DRAFT
    return _USES.get(architecture)


def surely_chats(architecture: str) -> bool:
    """Return whether llama-server is known to run language models of this architecture."""
    return architecture in _CHATTING
