//! Layers of Belvedere, and its native runtime.
