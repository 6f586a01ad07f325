//! Objects of one kind by name, and which of them a list has not shown.

use std::collections::HashMap;
use std::sync::Arc;

/// More objects of one kind than any cluster has. What comes after is not taken
/// in, and counted.
pub(super) const MOST_OBJECTS: usize = 250_000;

/// Objects of one kind.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    /// With the number of the list that showed it last.
    objects: HashMap<Box<str>, (Arc<T>, u32)>,
    lists: u32,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { objects: HashMap::new(), lists: 0 }
    }
}

impl<T> Shelf<T> {
    /// A list begins.
    pub(super) fn begin(&mut self) {
        self.lists = self.lists.wrapping_add(1);
    }

    /// Whether there is room for an object.
    pub(super) fn has_room(&self, key: &str) -> bool {
        self.objects.len() < MOST_OBJECTS || self.objects.contains_key(key)
    }

    /// Takes in an object, and gives what it replaces.
    pub(super) fn put(&mut self, key: &str, object: Arc<T>) -> Option<Arc<T>> {
        let entry = (object, self.lists);
        match self.objects.get_mut(key) {
            Some(known) => Some(std::mem::replace(known, entry).0),
            None => self.objects.insert(key.into(), entry).map(|(old, _)| old),
        }
    }

    /// Takes out an object.
    pub(super) fn take(&mut self, key: &str) -> Option<Arc<T>> {
        self.objects.remove(key).map(|(object, _)| object)
    }

    /// A list is complete: takes out what it has not shown.
    pub(super) fn sweep(&mut self) -> Vec<Arc<T>> {
        let lists = self.lists;
        let gone = self.objects.extract_if(|_, (_, shown)| *shown != lists);
        gone.map(|(_, (object, _))| object).collect()
    }

    pub(super) fn clear(&mut self) {
        self.objects = HashMap::new();
    }
}

/// The key of an object in a namespace; neither part may hold a slash.
pub(super) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}
