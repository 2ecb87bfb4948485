"""WebSocket v2: the frames this venue pushes, and the commands it takes."""
