//! Where a Go function goes on after it has checked its stack.
//!
//! A goroutine whose stack is too small, or that is asked to give way to
//! another one, leaves a function in its prologue and later enters it again
//! from its first instruction: a probe there counts one call twice. The first
//! instruction behind the check runs once per call, with the arguments still
//! in their registers and the stack pointer as it was.

/// The longest check is 18 bytes on amd64 and 7 instructions on arm64.
pub(super) const CHECK_BYTES: usize = 32;

/// Length of the stack check in the first bytes of a function of the register
/// calling convention; `None` when it has another form, and the entry itself
/// is the only safe place.
pub(super) fn length(bytes: &[u8]) -> Option<u64> {
    amd64(bytes).or_else(|| arm64(bytes))
}

fn amd64(bytes: &[u8]) -> Option<u64> {
    let rest = match bytes {
        // cmp rsp, [r14+16]
        [0x49, 0x3b, 0x66, 0x10, rest @ ..]
        // lea r12, [rsp-disp8]; cmp r12, [r14+16]
        | [0x4c, 0x8d, 0x64, 0x24, _, 0x4d, 0x3b, 0x66, 0x10, rest @ ..]
        // lea r12, [rsp-disp32]; cmp r12, [r14+16]
        | [0x4c, 0x8d, 0xa4, 0x24, _, _, _, _, 0x4d, 0x3b, 0x66, 0x10, rest @ ..] => rest,
        _ => return None,
    };
    let jump = match rest {
        // jbe, near and far
        [0x76, _, ..] => 2,
        [0x0f, 0x86, _, _, _, _, ..] => 6,
        _ => return None,
    };
    u64::try_from(bytes.len() - rest.len() + jump).ok()
}

fn arm64(bytes: &[u8]) -> Option<u64> {
    let (words, _) = bytes.as_chunks::<4>();
    let mut words = words.iter().copied().map(u32::from_le_bytes);
    // ldr x16, [x28, #16]
    if words.next()? != 0xf940_0b90 {
        return None;
    }
    // Up to: b.ls
    let check = words.position(|word| word & 0xff00_001f == 0x5400_0009)?;
    u64::try_from((check + 2) * 4).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_measured() {
        assert_eq!(length(&[0x49, 0x3b, 0x66, 0x10, 0x76, 0x20, 0x55]), Some(6));
        assert_eq!(length(&[0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 1, 2, 0, 0, 0x55]), Some(10));
        let medium = [0x4c, 0x8d, 0x64, 0x24, 0xd8, 0x4d, 0x3b, 0x66, 0x10, 0x76, 1, 0x55];
        assert_eq!(length(&medium), Some(11));
        let large = [
            0x4c, 0x8d, 0xa4, 0x24, 0, 0xff, 0xff, 0xff, 0x4d, 0x3b, 0x66, 0x10, 0x0f, 0x86, 1, 2,
            0, 0, 0x55,
        ];
        assert_eq!(length(&large), Some(18));
        // Cut off, another jump, something else.
        assert_eq!(length(&large[..16]), None);
        assert_eq!(length(&[0x49, 0x3b, 0x66, 0x10, 0x77, 0x20, 0x55]), None);
        assert_eq!(length(&[0x55; 32]), None);
    }

    #[test]
    fn arm64_checks_are_measured() {
        let code = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
        // ldr x16, [x28,#16]; cmp sp, x16; b.ls ...; str x30, [sp,#-32]!
        let small = code(&[0xf940_0b90, 0xeb30_63ff, 0x5400_0509, 0xf81e_0ffe]);
        assert_eq!(length(&small), Some(12));
        // ldr x16, [x28,#16]; sub x17, sp, #0x90; cmp x17, x16; b.ls ...
        let medium = code(&[0xf940_0b90, 0xd102_43f1, 0xeb10_023f, 0x5400_0aa9, 0xf81e_0ffe]);
        assert_eq!(length(&medium), Some(16));
        assert_eq!(length(&small[..8]), None);
    }
}
