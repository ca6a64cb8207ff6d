"""The composition root: environment to settings, settings to clients, clients to services."""
