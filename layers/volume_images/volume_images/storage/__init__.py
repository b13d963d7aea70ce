"""Where config, states and reports are kept: S3 or a folder."""
