"""What the app changes in the settings of the service it plugs into."""
