"""
Badge providers: plain data in, plain data out.

Nothing here knows a model, a service or a task. ``base`` says what a provider does, ``registry`` finds one by its name.
"""
