"""A clip becomes arrays: demuxed, decoded, resampled and cached."""
