"""A strategy in the loop: a bot that trades beside people, lives and dies with its desk, and is judged by what it remembers."""
