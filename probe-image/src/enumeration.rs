//! Names of the values of a kernel's enumeration, from its type information:
//! the numbers differ from kernel to kernel.
//!
//! The format is described in the kernel's Documentation/bpf/btf.rst.

use std::collections::HashMap;

const MAGIC: u16 = 0xeb9f;
const KIND_ENUM: u32 = 6;

/// The values of the enumeration `name` and what they are called; `None` when
/// the bytes are no type information or there is no such enumeration.
#[must_use]
pub fn values(btf: &[u8], name: &str) -> Option<HashMap<u32, String>> {
    if u16::from_ne_bytes(*btf.first_chunk()?) != MAGIC {
        return None;
    }
    let header = word(btf, 4)?;
    let section = |place: usize| {
        let from = header.checked_add(word(btf, place)?)?;
        btf.get(from..from.checked_add(word(btf, place + 4)?)?)
    };
    let (types, strings) = (section(8)?, section(16)?);
    let mut at = 0;
    while let Some(info) = word(types, at + 4) {
        let info = u32::try_from(info).ok()?;
        let (count, kind) = ((info & 0xffff) as usize, info >> 24 & 0x1f);
        let members = at + 12;
        if kind == KIND_ENUM && count > 0 && text(strings, word(types, at)?)? == name.as_bytes() {
            return (0..count)
                .map(|index| {
                    let member = members + index * 8;
                    let called = text(strings, word(types, member)?)?;
                    let value = u32::try_from(word(types, member + 4)?).ok()?;
                    Some((value, String::from_utf8_lossy(called).into_owned()))
                })
                .collect();
        }
        at = members + extra(kind, count)?;
    }
    None
}

/// Bytes that follow a type of this kind.
fn extra(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        // Pointers, qualifiers, forward declarations, functions, floats, tags of types.
        2 | 7..=12 | 16 | 18 => 0,
        // Integers, variables, tags of declarations.
        1 | 14 | 17 => 4,
        // Arrays.
        3 => 12,
        // Structs, unions, sections, wide enumerations.
        4 | 5 | 15 | 19 => count * 12,
        // Enumerations, parameters of functions.
        6 | 13 => count * 8,
        _ => return None,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(word).ok()
}

fn text(strings: &[u8], at: usize) -> Option<&[u8]> {
    strings.get(at..)?.split(|byte| *byte == 0).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pointer, an integer, then `enum color { RED = 3, BLUE = 900 }`.
    fn sample() -> Vec<u8> {
        let strings = b"\0color\0RED\0BLUE\0int\0";
        let mut types: Vec<u32> = vec![0, 2 << 24, 2];
        types.extend([16, 1 << 24, 4, 32]);
        types.extend([1, 6 << 24 | 2, 4, 7, 3, 11, 900]);
        let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut btf = MAGIC.to_ne_bytes().to_vec();
        btf.extend([1, 0]);
        let lengths = [24, 0, types.len(), types.len(), strings.len()];
        btf.extend(lengths.iter().flat_map(|length| u32::try_from(*length).unwrap().to_ne_bytes()));
        btf.extend(types);
        btf.extend(strings);
        btf
    }

    #[test]
    fn values_have_their_names() {
        let found = values(&sample(), "color").unwrap();
        assert_eq!(found, HashMap::from([(3, "RED".to_owned()), (900, "BLUE".to_owned())]));
        assert_eq!(values(&sample(), "int"), None);
        assert_eq!(values(&sample(), "shape"), None);
    }

    #[test]
    fn damage_is_no_enumeration_and_no_panic() {
        let whole = sample();
        for cut in 0..whole.len() - 1 {
            let _ = values(&whole[..cut], "color");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            let _ = values(&damaged, "color");
        }
        assert_eq!(values(b"", "color"), None);
    }

    #[test]
    fn the_running_kernel_has_reasons() {
        let Ok(btf) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            // Where there is none, nothing is loaded either.
            return;
        };
        if let Some(reasons) = values(&btf, "skb_drop_reason") {
            assert!(reasons.values().any(|name| name == "SKB_DROP_REASON_NO_SOCKET"));
        }
    }
}
