"""The frames the venue pushes and the socket it takes orders on."""
