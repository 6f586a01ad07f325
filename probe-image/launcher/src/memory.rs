//! The allocator: bounded, and simple because the process lives for milliseconds.
//!
//! Large blocks (the decoder's window, its literals) are mappings of their own and
//! go back to the kernel when freed. Small blocks are cut off a chunk one after the
//! other and never come back: all of them together are some tens of kilobytes.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr::null_mut;

use crate::system;

/// From this size on a block is a mapping of its own.
const LARGE_BYTES: usize = 16 * 1024;

/// Small blocks are cut off mappings of this size.
const CHUNK_BYTES: usize = 64 * 1024;

/// What may be mapped at a time. A window of 2 MiB needs 2.3 MiB, and twice that
/// for the moment in which the decoder's buffer grows.
const LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// No page is smaller: blocks that want a larger alignment are refused.
const PAGE_BYTES: usize = 4096;

struct Memory {
    /// The next free byte of the current chunk, as an address.
    next: Cell<usize>,
    /// The end of the current chunk, as an address.
    end: Cell<usize>,
    /// The bytes mapped now.
    mapped_bytes: Cell<usize>,
}

// SAFETY: the launcher has one thread and handles no signal.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory =
    Memory { next: Cell::new(0), end: Cell::new(0), mapped_bytes: Cell::new(0) };

impl Memory {
    fn map(&self, size_bytes: usize) -> *mut u8 {
        let mapped_bytes = self.mapped_bytes.get().saturating_add(size_bytes);
        if mapped_bytes > LIMIT_BYTES {
            return null_mut();
        }
        let address = system::map(size_bytes);
        if !address.is_null() {
            self.mapped_bytes.set(mapped_bytes);
        }
        address
    }

    fn cut(&self, layout: Layout) -> *mut u8 {
        let aligned = |address: usize| address.next_multiple_of(layout.align());
        let mut address = aligned(self.next.get());
        if address + layout.size() > self.end.get() {
            let chunk = self.map(CHUNK_BYTES) as usize;
            if chunk == 0 {
                return null_mut();
            }
            self.end.set(chunk + CHUNK_BYTES);
            address = chunk;
        }
        self.next.set(address + layout.size());
        address as *mut u8
    }
}

fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE_BYTES
}

// SAFETY: blocks do not overlap: each is a mapping or a piece of a chunk that is
// handed out once. Chunks are aligned to pages, pieces are aligned when cut.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > PAGE_BYTES {
            null_mut()
        } else if is_large(layout) {
            self.map(layout.size())
        } else {
            self.cut(layout)
        }
    }

    /// Mappings come zeroed, and no piece of a chunk is handed out twice.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        if is_large(layout) {
            self.mapped_bytes.set(self.mapped_bytes.get() - layout.size());
            // SAFETY: the block was mapped with this size, and is given up.
            unsafe { system::unmap(address, layout.size()) };
        }
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is valid for the alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if is_large(layout) && is_large(new_layout) {
            let mapped_bytes = self.mapped_bytes.get() - layout.size() + new_size;
            if mapped_bytes > LIMIT_BYTES {
                return null_mut();
            }
            // SAFETY: the block is a mapping of this size.
            let moved = unsafe { system::remap(address, layout.size(), new_size) };
            if !moved.is_null() {
                self.mapped_bytes.set(mapped_bytes);
            }
            return moved;
        }
        // SAFETY: the new layout is valid, see above.
        let moved = unsafe { self.alloc(new_layout) };
        if !moved.is_null() {
            let common_bytes = layout.size().min(new_size);
            // SAFETY: both blocks have these bytes and do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(address, moved, common_bytes) };
            // SAFETY: as the caller promises.
            unsafe { self.dealloc(address, layout) };
        }
        moved
    }
}
