@"%~dp0..\hal0-cli.exe" %*
