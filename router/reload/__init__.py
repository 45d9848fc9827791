"""A changed hal0.yaml or model folder: noticed (`watch`), compared (`diff`), put into effect (`apply`)."""
