"""This computer's sleep: held off while hal0 works (`awake`), and heard of as soon as it ends (`sleep`; the
clocks tell anyhow, router.base.resume). What each system has for that is in `logind`, `windows` and `macos`."""
