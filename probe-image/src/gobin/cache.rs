use std::collections::VecDeque;

use super::error::Result;
use super::{Functions, GoBinary, Pattern};

/// Remembers what was found in the last few executables, so that a kubelet
/// that restarts is not read again.
///
/// Only executables with a build id are remembered. The size and a digest of
/// the headers have to agree as well, because a build id is text anyone can
/// write; and [`Function::entry`](super::Function::entry) looks at the file
/// itself in any case.
#[derive(Debug)]
pub struct FunctionCache {
    /// Most recently used last.
    entries: VecDeque<(Key, Functions)>,
    capacity: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    build_id: String,
    size_bytes: u64,
    fingerprint: u64,
    wanted: Vec<Pattern>,
}

impl FunctionCache {
    /// An empty cache for the results of at most `capacity` searches.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), capacity }
    }

    /// [`GoBinary::find`], or what it gave for the same build and the same patterns.
    ///
    /// # Errors
    /// Those of [`GoBinary::find`]; failures are not remembered.
    pub fn find(&mut self, binary: &GoBinary, wanted: &[Pattern]) -> Result<Functions> {
        let Some(build_id) = binary.build_id() else { return binary.find(wanted) };
        let key = Key {
            build_id: build_id.to_owned(),
            size_bytes: binary.image.size_bytes,
            fingerprint: binary.image.fingerprint,
            wanted: wanted.to_vec(),
        };
        let known = self.entries.iter().position(|(other, _)| *other == key);
        let functions = match known.and_then(|index| self.entries.remove(index)) {
            Some((_, functions)) => functions,
            None => binary.find(wanted)?,
        };
        self.entries.push_back((key, functions.clone()));
        while self.entries.len() > self.capacity {
            self.entries.pop_front();
        }
        Ok(functions)
    }

    /// Number of remembered searches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
