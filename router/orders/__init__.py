"""What a person may order, as values: the same for tray, command line, control API and other hal0s."""
