"""Which known networks can be trained? Those of torchvision and timm, of a function, or of a space."""

from nas.spaces.models.naming import named, native_size

__all__ = ["named", "native_size"]
