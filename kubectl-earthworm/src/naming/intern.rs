//! The same text once in memory.

use std::collections::HashSet;
use std::sync::Arc;

/// Below so many texts nothing is cleaned up.
const FEW: usize = 1_024;

/// Texts that many objects share: namespaces, nodes, workloads, containers.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: HashSet<Arc<str>>,
    clean_at: usize,
}

impl Interner {
    /// The shared text.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= self.clean_at.max(FEW) {
            self.texts.retain(|text| Arc::strong_count(text) > 1);
            // Twice what is in use: cleaning up costs nothing per text.
            self.clean_at = 2 * self.texts.len();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }

    /// The shared text if there is one, else a text of its own.
    pub(super) fn find(&self, text: &str) -> Arc<str> {
        self.texts.get(text).cloned().unwrap_or_else(|| text.into())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
