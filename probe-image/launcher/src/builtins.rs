//! The memory functions that the compiler calls on its own and a libc would bring.
//!
//! All loops are assembly: written in Rust, the compiler would recognise them for
//! what they are and replace them by a call to the function they are the body of.

use core::arch::asm;

/// Copies `size` bytes between places that do not overlap.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(target: *mut u8, source: *const u8, size: usize) -> *mut u8 {
    // SAFETY: as the caller promises.
    unsafe { copy_forward(target, source, size) };
    target
}

/// Copies `size` bytes between places that may overlap.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(target: *mut u8, source: *const u8, size: usize) -> *mut u8 {
    // A target that begins inside the source would overwrite what is still to be
    // read: then from the end. (Before the source, the difference wraps around.)
    if (target as usize).wrapping_sub(source as usize) < size {
        // SAFETY: as the caller promises.
        unsafe { copy_backward(target, source, size) };
    } else {
        // SAFETY: as the caller promises.
        unsafe { copy_forward(target, source, size) };
    }
    target
}

/// Fills `size` bytes with the low byte of `value`.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(target: *mut u8, value: i32, size: usize) -> *mut u8 {
    // SAFETY: as the caller promises.
    unsafe { fill(target, value as u8, size) };
    target
}

/// Compares `size` bytes: negative, 0 or positive.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, size: usize) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { compare(left, right, size) }
}

/// Compares `size` bytes: 0 when equal.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, size: usize) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { compare(left, right, size) }
}

/// Counts the bytes before the first zero byte.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(string: *const u8) -> usize {
    // SAFETY: as the caller promises.
    unsafe { length(string) }
}

#[cfg(target_arch = "x86_64")]
use x86_64::{compare, copy_backward, copy_forward, fill, length};

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::asm;

    // The direction flag is clear whenever compiled code runs (System V ABI).

    pub unsafe fn copy_forward(target: *mut u8, source: *const u8, size: usize) {
        // SAFETY: touches the two ranges and nothing else.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") size => _,
                inout("rdi") target => _,
                inout("rsi") source => _,
                options(nostack, preserves_flags),
            );
        }
    }

    pub unsafe fn copy_backward(target: *mut u8, source: *const u8, size: usize) {
        // SAFETY: touches the two ranges and nothing else; the flag is restored.
        unsafe {
            asm!(
                "std",
                "rep movsb",
                "cld",
                inout("rcx") size => _,
                inout("rdi") target.wrapping_add(size).wrapping_sub(1) => _,
                inout("rsi") source.wrapping_add(size).wrapping_sub(1) => _,
                options(nostack),
            );
        }
    }

    pub unsafe fn fill(target: *mut u8, value: u8, size: usize) {
        // SAFETY: touches the range and nothing else.
        unsafe {
            asm!(
                "rep stosb",
                inout("rcx") size => _,
                inout("rdi") target => _,
                in("al") value,
                options(nostack, preserves_flags),
            );
        }
    }

    pub unsafe fn compare(left: *const u8, right: *const u8, size: usize) -> i32 {
        let difference: i32;
        // SAFETY: reads the two ranges and nothing else. `cmp` before the loop
        // makes nothing equal nothing; after it, the pointers stand one byte
        // behind the last pair, which is the differing one if there is any.
        unsafe {
            asm!(
                "xor eax, eax",
                "cmp rcx, rcx",
                "repe cmpsb",
                "je 2f",
                "movzx eax, byte ptr [rdi - 1]",
                "movzx ecx, byte ptr [rsi - 1]",
                "sub eax, ecx",
                "2:",
                inout("rcx") size => _,
                inout("rdi") left => _,
                inout("rsi") right => _,
                out("eax") difference,
                options(nostack, readonly),
            );
        }
        difference
    }

    pub unsafe fn length(string: *const u8) -> usize {
        let behind_zero: *const u8;
        // SAFETY: reads the string and its final zero byte.
        unsafe {
            asm!(
                "repne scasb",
                inout("rcx") usize::MAX => _,
                inout("rdi") string => behind_zero,
                in("al") 0_u8,
                options(nostack, readonly),
            );
        }
        behind_zero as usize - string as usize - 1
    }
}

#[cfg(target_arch = "aarch64")]
use aarch64::{compare, copy_backward, copy_forward, fill, length};

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::asm;

    // Normal memory may be accessed unaligned, and the copies below rely on it.

    pub unsafe fn copy_forward(target: *mut u8, source: *const u8, size: usize) {
        // SAFETY: touches the two ranges and nothing else.
        unsafe {
            asm!(
                "2: cmp {size}, #16",
                "b.lo 3f",
                "ldp {a}, {b}, [{source}], #16",
                "stp {a}, {b}, [{target}], #16",
                "sub {size}, {size}, #16",
                "b 2b",
                "3: cbz {size}, 4f",
                "ldrb {a:w}, [{source}], #1",
                "strb {a:w}, [{target}], #1",
                "sub {size}, {size}, #1",
                "b 3b",
                "4:",
                size = inout(reg) size => _,
                target = inout(reg) target => _,
                source = inout(reg) source => _,
                a = out(reg) _,
                b = out(reg) _,
                options(nostack),
            );
        }
    }

    pub unsafe fn copy_backward(target: *mut u8, source: *const u8, size: usize) {
        // SAFETY: touches the two ranges and nothing else. Sixteen bytes are read
        // before they are written, so that overlapping by less is no harm.
        unsafe {
            asm!(
                "2: cmp {size}, #16",
                "b.lo 3f",
                "ldp {a}, {b}, [{source}, #-16]!",
                "stp {a}, {b}, [{target}, #-16]!",
                "sub {size}, {size}, #16",
                "b 2b",
                "3: cbz {size}, 4f",
                "ldrb {a:w}, [{source}, #-1]!",
                "strb {a:w}, [{target}, #-1]!",
                "sub {size}, {size}, #1",
                "b 3b",
                "4:",
                size = inout(reg) size => _,
                target = inout(reg) target.wrapping_add(size) => _,
                source = inout(reg) source.wrapping_add(size) => _,
                a = out(reg) _,
                b = out(reg) _,
                options(nostack),
            );
        }
    }

    pub unsafe fn fill(target: *mut u8, value: u8, size: usize) {
        // SAFETY: touches the range and nothing else.
        unsafe {
            asm!(
                "2: cmp {size}, #16",
                "b.lo 3f",
                "stp {value}, {value}, [{target}], #16",
                "sub {size}, {size}, #16",
                "b 2b",
                "3: cbz {size}, 4f",
                "strb {value:w}, [{target}], #1",
                "sub {size}, {size}, #1",
                "b 3b",
                "4:",
                size = inout(reg) size => _,
                target = inout(reg) target => _,
                value = in(reg) u64::from(value) * 0x0101_0101_0101_0101,
                options(nostack),
            );
        }
    }

    pub unsafe fn compare(left: *const u8, right: *const u8, size: usize) -> i32 {
        let difference: i32;
        // SAFETY: reads the two ranges and nothing else.
        unsafe {
            asm!(
                "mov {difference:w}, wzr",
                "2: cbz {size}, 3f",
                "ldrb {difference:w}, [{left}], #1",
                "ldrb {byte:w}, [{right}], #1",
                "sub {size}, {size}, #1",
                "subs {difference:w}, {difference:w}, {byte:w}",
                "b.eq 2b",
                "3:",
                size = inout(reg) size => _,
                left = inout(reg) left => _,
                right = inout(reg) right => _,
                byte = out(reg) _,
                difference = out(reg) difference,
                options(nostack, readonly),
            );
        }
        difference
    }

    pub unsafe fn length(string: *const u8) -> usize {
        let behind_zero: *const u8;
        // SAFETY: reads the string and its final zero byte.
        unsafe {
            asm!(
                "2: ldrb {byte:w}, [{string}], #1",
                "cbnz {byte:w}, 2b",
                string = inout(reg) string => behind_zero,
                byte = out(reg) _,
                options(nostack, readonly),
            );
        }
        behind_zero as usize - string as usize - 1
    }
}
