"""The answers of the REST API, one function for each path."""
