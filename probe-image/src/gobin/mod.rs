//! Reads Go executables.
