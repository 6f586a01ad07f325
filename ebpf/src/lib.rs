//! Kernel programs, compiled.
