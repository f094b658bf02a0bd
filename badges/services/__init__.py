"""The use cases: every write, and every transaction. Nothing here enqueues a task or sees a request."""
