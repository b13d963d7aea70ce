"""What a command works on: settings, clouds, files, and what runs have filed."""
