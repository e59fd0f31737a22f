"""The product's version, as `gatehouse --version` and the journal name it."""

VERSION = "0.1.0"
