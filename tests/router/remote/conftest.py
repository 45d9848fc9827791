"""`serve`: a real endpoint over a launcher without processes."""

from tests.router.server.conftest import serve

__all__ = ["serve"]
