"""Large answers as files: asked for, made by the worker, fetched by a link."""
