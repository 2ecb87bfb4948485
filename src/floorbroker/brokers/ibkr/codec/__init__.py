"""The TWS socket protocol, sans I/O: frames, requests, answers, for server versions 157 to 178."""
