"""Pure functions between the wire and the language of trading, both ways."""
