"""The commands, a file for each group; `hundredfold_cli.main` puts them together."""
