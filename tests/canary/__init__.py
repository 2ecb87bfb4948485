"""Secrets that must never be seen again, put into every place where one can enter, and looked for at every way out."""
