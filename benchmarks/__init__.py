"""Measures hal0 against what it stands between and what it competes with; see README.md beside this file."""
