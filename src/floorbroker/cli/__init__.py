"""The command line: translate words into requests to the desk, and its answers into tables or JSON."""
