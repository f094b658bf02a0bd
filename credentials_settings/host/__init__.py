"""
A stand-in for the Credentials service: the few models of it that the badges app touches.

App labels, model names and field names are the service's (openedx/credentials b6dcad5c), so that what runs here
runs there.
"""
