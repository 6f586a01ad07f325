//! Several values under one key.

use std::collections::HashMap;
use std::hash::Hash;

/// Nearly always one value per key; two objects that claim the same address are
/// not rare, and when one of them goes the other is still there.
#[derive(Debug)]
pub(super) struct Index<K, V>(HashMap<K, Vec<V>>);

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V> Index<K, V> {
    pub(super) fn add(&mut self, key: K, value: V) {
        // `push` alone would make room for four.
        self.0.entry(key).or_insert_with(|| Vec::with_capacity(1)).push(value);
    }

    pub(super) fn remove(&mut self, key: &K, is_it: impl Fn(&V) -> bool) {
        if let Some(values) = self.0.get_mut(key) {
            values.retain(|value| !is_it(value));
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// In the order of their arrival.
    pub(super) fn get(&self, key: &K) -> &[V] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn clear(&mut self) {
        self.0 = HashMap::new();
    }
}
