"""What a model will take, before it loads: asked of the engine, computed, corrected by what was seen."""
