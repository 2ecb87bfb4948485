"""What the streams push: the portfolio as JSON text, the market as protobuf."""
