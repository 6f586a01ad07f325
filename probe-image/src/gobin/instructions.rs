//! What the bytes of a function say: whether they begin as the Go compiler
//! begins a function, and where they return.

use std::collections::BTreeSet;

use iced_x86::{Code, Decoder, DecoderOptions, Mnemonic};

use super::{Abi, Architecture};

/// As many bytes as the longest prologue below needs.
pub(super) const PROLOGUE_BYTES: usize = 32;

/// The calling convention of the function whose entry these bytes are, or
/// `None` when it does not begin with Go's check for enough stack.
///
/// The check compares the stack pointer with `g.stackguard0`. Where `g` comes
/// from tells the convention: from a register of its own, or from thread-local
/// storage and later from another register, as in the releases that passed
/// arguments on the stack.
pub(super) fn prologue(architecture: Architecture, bytes: &[u8]) -> Option<Abi> {
    match architecture {
        Architecture::Amd64 => prologue_amd64(bytes),
        Architecture::Arm64 => prologue_arm64(bytes),
    }
}

fn prologue_amd64(bytes: &[u8]) -> Option<Abi> {
    let register = match bytes {
        // cmp rsp, [r14+16]
        [0x49, 0x3b, 0x66, 0x10, rest @ ..]
        // lea r12, [rsp-disp8]; cmp r12, [r14+16]
        | [0x4c, 0x8d, 0x64, 0x24, _, 0x4d, 0x3b, 0x66, 0x10, rest @ ..]
        // lea r12, [rsp-disp32]; cmp r12, [r14+16]
        | [0x4c, 0x8d, 0xa4, 0x24, _, _, _, _, 0x4d, 0x3b, 0x66, 0x10, rest @ ..] => Some(rest),
        _ => None,
    };
    if let Some(rest) = register {
        return jumps_if_below(rest).then_some(Abi::Register);
    }
    let after_g = match bytes {
        // mov rcx, fs:[-8]; further below where C libraries have such variables
        [0x64, 0x48, 0x8b, 0x0c, 0x25, _, 0xff, 0xff, 0xff, rest @ ..]
        // mov rcx, [rip+offset of the thread-local variable]; mov rcx, fs:[rcx]
        | [0x48, 0x8b, 0x0d, _, _, _, _, 0x64, 0x48, 0x8b, 0x09, rest @ ..]
        // mov rcx, constant offset of it (what a linker makes of the above)
        | [0x48, 0xc7, 0xc1, _, _, _, _, 0x64, 0x48, 0x8b, 0x09, rest @ ..] => rest,
        _ => return None,
    };
    let rest = match after_g {
        // cmp rsp, [rcx+16]
        [0x48, 0x3b, 0x61, 0x10, rest @ ..]
        // lea rax, [rsp-disp8]; cmp rax, [rcx+16]
        | [0x48, 0x8d, 0x44, 0x24, _, 0x48, 0x3b, 0x41, 0x10, rest @ ..]
        // lea rax, [rsp-disp32]; cmp rax, [rcx+16]
        | [0x48, 0x8d, 0x84, 0x24, _, _, _, _, 0x48, 0x3b, 0x41, 0x10, rest @ ..] => rest,
        _ => return None,
    };
    jumps_if_below(rest).then_some(Abi::Stack)
}

/// `jbe`, near or far, to the call that grows the stack.
fn jumps_if_below(bytes: &[u8]) -> bool {
    matches!(bytes, [0x76, ..] | [0x0f, 0x86, ..])
}

fn prologue_arm64(bytes: &[u8]) -> Option<Abi> {
    match u32::from_le_bytes(*bytes.first_chunk()?) {
        // ldr x16, [x28, #16]
        0xf940_0b90 => Some(Abi::Register),
        // ldr x1, [x28, #16]: x1 would hold an argument otherwise
        0xf940_0b81 => Some(Abi::Stack),
        _ => None,
    }
}

/// Positions of all return instructions in the code of one function, in
/// order; or the position of the first thing that is not an instruction.
///
/// Decoding from the start is the only way to know: the byte `c3` is part of
/// many other instructions. Code after an undecodable place is not skipped,
/// since nothing would be certain from there on.
pub(super) fn returns(architecture: Architecture, code: &[u8]) -> Result<Vec<u64>, u64> {
    match architecture {
        Architecture::Amd64 => returns_amd64(code),
        Architecture::Arm64 => returns_arm64(code),
    }
}

fn returns_amd64(code: &[u8]) -> Result<Vec<u64>, u64> {
    let mut found = Vec::new();
    for instruction in &mut Decoder::with_ip(64, code, 0, DecoderOptions::NONE) {
        if instruction.code() == Code::INVALID {
            return Err(instruction.ip());
        }
        if instruction.mnemonic() == Mnemonic::Ret {
            found.push(instruction.ip());
        }
    }
    Ok(found)
}

fn returns_arm64(code: &[u8]) -> Result<Vec<u64>, u64> {
    let (words, rest) = code.as_chunks::<4>();
    if !rest.is_empty() {
        return Err((code.len() - rest.len()) as u64);
    }
    let words = || (0_u64..).step_by(4).zip(words.iter().copied().map(u32::from_le_bytes));
    // The assembler may put constants behind the code and load them relative
    // to the program counter. A probe in one of them would change its value.
    let constants: BTreeSet<u64> = words().filter_map(|(at, word)| literal(at, word)).collect();
    let returns = words().filter(|(_, word)| word & 0xffff_fc1f == 0xd65f_0000);
    Ok(returns.map(|(at, _)| at).filter(|at| !constants.contains(at)).collect())
}

/// The position an `ldr` (literal) at `at` loads from.
fn literal(at: u64, word: u32) -> Option<u64> {
    if word & 0x3b00_0000 != 0x1800_0000 {
        return None;
    }
    // Bits 23 to 5 are a signed number of words.
    let words = i64::from((word << 8).cast_signed() >> 13);
    at.checked_add_signed(words * 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm64(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn prologues_of_amd64() {
        let cases: &[(&[u8], Option<Abi>)] = &[
            (&[0x49, 0x3b, 0x66, 0x10, 0x76, 0x20], Some(Abi::Register)),
            (&[0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 1, 2, 0, 0], Some(Abi::Register)),
            (&[0x4c, 0x8d, 0x64, 0x24, 0xd8, 0x4d, 0x3b, 0x66, 0x10, 0x76, 1], Some(Abi::Register)),
            (
                &[0x4c, 0x8d, 0xa4, 0x24, 0, 0xff, 0xff, 0xff, 0x4d, 0x3b, 0x66, 0x10, 0x0f, 0x86],
                Some(Abi::Register),
            ),
            (
                &[
                    0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48, 0x3b, 0x61, 0x10,
                    0x76,
                ],
                Some(Abi::Stack),
            ),
            (
                &[
                    0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48, 0x8d, 0x84, 0x24,
                    0x78, 0xff, 0xff, 0xff, 0x48, 0x3b, 0x41, 0x10, 0x0f, 0x86,
                ],
                Some(Abi::Stack),
            ),
            (
                &[
                    0x48, 0x8b, 0x0d, 1, 2, 3, 0, 0x64, 0x48, 0x8b, 0x09, 0x48, 0x3b, 0x61, 0x10,
                    0x76,
                ],
                Some(Abi::Stack),
            ),
            // The compare without the jump, another register, a plain C
            // function, and one without a check.
            (&[0x49, 0x3b, 0x66, 0x10, 0x90], None),
            (&[0x49, 0x3b, 0x66, 0x18, 0x76], None),
            (&[0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5], None),
            (&[0x55, 0x48, 0x89, 0xe5], None),
            (&[0x49, 0x3b, 0x66], None),
            (&[], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(prologue(Architecture::Amd64, bytes), *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn prologues_of_arm64() {
        for (word, expected) in [
            (0xf940_0b90, Some(Abi::Register)),
            (0xf940_0b81, Some(Abi::Stack)),
            (0xf940_0f90, None), // ldr x16, [x28, #24]
            (0xa9bf_7bfd, None), // stp x29, x30, [sp, #-16]!
        ] {
            assert_eq!(prologue(Architecture::Arm64, &arm64(&[word])), expected, "{word:#x}");
        }
        assert_eq!(prologue(Architecture::Arm64, &[0x90, 0x0b, 0x40]), None);
    }

    #[test]
    fn returns_of_amd64_are_instructions_and_not_bytes() {
        let code = [
            0x48, 0xc7, 0xc0, 0xc3, 0xc3, 0x00, 0x00, // mov rax, 0xc3c3
            0xc3, // ret
            0x48, 0x89, 0xc3, // mov rbx, rax
            0xc2, 0x08, 0x00, // ret 8
            0x0f, 0x0b, // ud2
            0xcb, // retf
            0xcc, 0xcc, // padding
        ];
        assert_eq!(returns(Architecture::Amd64, &code), Ok(vec![7, 11]));
        // An invalid opcode in 64-bit mode, and an instruction that is cut off.
        assert_eq!(returns(Architecture::Amd64, &[0xc3, 0x06, 0xc3]), Err(1));
        assert_eq!(returns(Architecture::Amd64, &[0x90, 0x48, 0xc7]), Err(1));
    }

    #[test]
    fn returns_of_arm64_are_not_constants() {
        let code = arm64(&[
            0x5800_00a0, // ldr x0, +20
            0xd65f_03c0, // ret
            0xd65f_0220, // ret x17
            0xd61f_0220, // br x17
            0xd503_201f, // nop
            0xd65f_03c0, // the constant the first instruction loads
        ]);
        assert_eq!(returns(Architecture::Arm64, &code), Ok(vec![4, 8]));
        assert_eq!(returns(Architecture::Arm64, &code[..7]), Err(4));
        assert_eq!(literal(16, 0x58ff_ffa0), Some(4)); // ldr x0, -12
        assert_eq!(literal(0, 0x58ff_ffa0), None);
        assert_eq!(literal(0, 0xf940_0b90), None);
    }
}
