"""Fuzzing: what strangers send, read by the code that reads it, and nothing raised but what is declared."""
