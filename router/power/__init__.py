"""This computer's sleep: held off while hal0 works (`awake`; `logind`, `windows`, `macos`), and heard of
as soon as it ends (`logind`; the clocks tell anyhow, router.base.resume)."""
