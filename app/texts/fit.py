"""Every text about what would make a model fit. Read these through the module: a language reloads it."""

from __future__ import annotations

from collections.abc import Sequence

from app.texts.translate import tr

FITS_NOW = tr("it fits now")
NO_WAY = tr("nothing is known that would make it fit; get a smaller quantisation (`hal0 model search`)")
NO_WAY_LINE = tr("It does not fit, and nothing is known that would help; get a smaller quantisation.")
WAYS_LINE = tr("It does not fit as it is.")
LOAD_SO = tr("Load so that it fits")
LOAD_ONCE = tr("This load only")
LOAD_ONCE_TIP = tr("Loads the model so; hal0.yaml stays as it is, and the next load is as it says.")
LOAD_SO_TIP = tr("Writes what you choose into hal0.yaml, then loads the model.")
MORE_WAYS = tr("  The others take longer to find out about; ask again.")
SMALL_CACHE = tr("an 8-bit KV cache (cache-type-k and cache-type-v q8_0)")


def context(tokens: str) -> str:
    return tr("ctx-size {tokens}").format(tokens=tokens)


def experts(count: str) -> str:
    return tr("the experts of {count} layers on the processor (n-cpu-moe {count})").format(count=count)


def layers(count: str) -> str:
    return tr("{count} layers on the GPU, the others on the processor (n-gpu-layers {count})").format(
        count=count
    )


def together(parts: Sequence[str]) -> str:
    return tr(" and ").join(parts)


def into(way: str, slot: str) -> str:
    return tr("{way} → {slot}").format(way=way, slot=slot)


def instead(model: str) -> str:
    return tr("{model} would fit in its place").format(model=model)


def with_these(parts: str, needs: str) -> str:
    return tr("it would fit with {parts}: {needs}").format(parts=parts, needs=needs)
