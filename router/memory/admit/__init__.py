"""Which context a model gets, who may load, what makes room, and the refusal with its arithmetic."""
