//! Ranges of time: given, by preset, and the ones to compare with.
