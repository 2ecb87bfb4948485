"""Nouns and rules of trading: pure, standard library only."""
