"""The only speaker of HTTP to clouds: credentials, sessions, and both dialects of both services."""
