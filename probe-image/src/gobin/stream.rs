//! Reading large tables in order through one small buffer.

use std::ffi::CStr;
use std::ops::Range;

use super::elf::{Image, Region};
use super::error::{GoBinaryError, Result};
use super::pattern::{MAXIMUM_PREFIX_BYTES, Pattern};

const BUFFER_BYTES: usize = 64 * 1024;
/// Longer names than this are not compared; Go's longest are generic
/// instantiations, which no pattern asks for.
const MAXIMUM_NAME_BYTES: usize = 1024;
/// A real program has a handful of places where a wanted name could start.
const MAXIMUM_CANDIDATES: usize = 4096;

/// A region read mostly forwards. Going back costs one small read of its own
/// and leaves the buffer alone, so that the whole work stays bounded by the
/// size of the region plus the number of calls, whatever the offsets say.
pub(super) struct Window<'i> {
    image: &'i Image,
    region: Region,
    buffer: Vec<u8>,
    /// Position in the region of the first byte of `buffer`.
    start: u64,
    aside: Vec<u8>,
    what: &'static str,
}

impl<'i> Window<'i> {
    pub(super) fn new(image: &'i Image, region: Region, what: &'static str) -> Self {
        Self { image, region, buffer: Vec::new(), start: 0, aside: Vec::new(), what }
    }

    /// `length` bytes at `position`; `None` when the region ends before.
    pub(super) fn bytes(&mut self, position: u64, length: usize) -> Result<Option<&[u8]>> {
        let Some(end) = position.checked_add(length as u64) else { return Ok(None) };
        if end > self.region.size || length > BUFFER_BYTES {
            return Ok(None);
        }
        if position < self.start {
            self.aside.resize(length, 0);
            let offset = self.region.offset + position;
            self.image.read_at(offset, &mut self.aside, self.what)?;
            return Ok(Some(&self.aside));
        }
        if end > self.start + self.buffer.len() as u64 {
            let left = self.region.size - position;
            self.buffer.resize(left.min(BUFFER_BYTES as u64) as usize, 0);
            self.start = position;
            let offset = self.region.offset + position;
            self.image.read_at(offset, &mut self.buffer, self.what)?;
        }
        let at = (position - self.start) as usize;
        Ok(self.buffer.get(at..at + length))
    }

    /// A little-endian number of four bytes.
    pub(super) fn u32(&mut self, position: u64) -> Result<Option<u32>> {
        let bytes = self.bytes(position, 4)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes))
    }

    /// A little-endian number of eight bytes.
    pub(super) fn u64(&mut self, position: u64) -> Result<Option<u64>> {
        let bytes = self.bytes(position, 8)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes))
    }
}

/// Where in a table of zero-terminated names a wanted name could start.
pub(super) struct Candidates {
    /// Sorted and disjoint.
    starts: Vec<Range<u64>>,
}

impl Candidates {
    /// Scans a name table once for everything that ends in a wanted name.
    ///
    /// Comparing ends is what makes one pass without memory enough: a name
    /// may carry a vendor prefix, and before Go 1.16 the names lie scattered
    /// between other tables, so that their starts cannot be told.
    pub(super) fn scan(
        image: &Image,
        region: Region,
        wanted: &[Pattern],
        what: &'static str,
    ) -> Result<Self> {
        let longest = wanted.iter().map(|pattern| pattern.name().len()).max().unwrap_or(0);
        let mut buffer = vec![0; longest + BUFFER_BYTES];
        let mut starts = Vec::new();
        let mut kept = 0;
        // Position in the region of the first byte of `buffer`.
        let mut base = 0;
        let mut read = 0;
        while read < region.size {
            let length = (region.size - read).min(BUFFER_BYTES as u64) as usize;
            image.read_at(region.offset + read, &mut buffer[kept..kept + length], what)?;
            read += length as u64;
            let filled = kept + length;

            let mut at = kept;
            while let Ok(text) = CStr::from_bytes_until_nul(&buffer[at..filled]) {
                let end = at + text.count_bytes();
                at = end + 1;
                for pattern in wanted {
                    if !buffer[..end].ends_with(pattern.name().as_bytes()) {
                        continue;
                    }
                    let last = base + (end - pattern.name().len()) as u64;
                    starts.push(last.saturating_sub(MAXIMUM_PREFIX_BYTES as u64)..last + 1);
                    if starts.len() > MAXIMUM_CANDIDATES {
                        let name = pattern.name().to_owned();
                        return Err(GoBinaryError::TooManyMatches { name });
                    }
                }
            }
            kept = longest.min(filled);
            buffer.copy_within(filled - kept..filled, 0);
            base += (filled - kept) as u64;
        }
        Ok(Self { starts: merged(starts) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Whether a name that starts at this position is worth reading.
    pub(super) fn contains(&self, position: u64) -> bool {
        let after = self.starts.partition_point(|range| range.start <= position);
        after.checked_sub(1).is_some_and(|index| self.starts[index].contains(&position))
    }
}

fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Reads the zero-terminated name at a position of a name table, if it is one
/// of the wanted ones: the index of its pattern and the name.
pub(super) fn wanted_name(
    image: &Image,
    names: Region,
    position: u64,
    wanted: &[Pattern],
    what: &'static str,
) -> Result<Option<(usize, String)>> {
    let Some(rest) = names.from(position) else { return Ok(None) };
    let size = rest.size.min(MAXIMUM_NAME_BYTES as u64);
    let bytes = image.read(Region { size, ..rest }, what)?;
    let Ok(name) = CStr::from_bytes_until_nul(&bytes) else { return Ok(None) };
    let Ok(name) = name.to_str() else { return Ok(None) };
    let index = wanted.iter().position(|pattern| pattern.matches(name));
    Ok(index.map(|index| (index, name.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_ranges_are_merged_and_found() {
        let candidates = Candidates { starts: merged(vec![50..60, 0..10, 5..20, 60..61]) };
        assert_eq!(candidates.starts, [0..20, 50..61]);
        for (position, expected) in [(0, true), (19, true), (20, false), (49, false), (60, true)] {
            assert_eq!(candidates.contains(position), expected, "{position}");
        }
        assert!(!Candidates { starts: Vec::new() }.contains(0));
    }
}
