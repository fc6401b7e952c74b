"""The demo corpus: an original mini-series, wholly synthetic, and the tiny encoders that go with it."""
