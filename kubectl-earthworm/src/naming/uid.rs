//! Ids of pods and containers, to be compared whatever form they have.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

/// A pod's uid. Control groups and the API write the same one differently:
/// with dashes, with underscores (systemd), or with neither (static pods).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Uid {
    /// 32 hexadecimal digits.
    Hex(u128),
    /// Anything else.
    Text(Box<str>),
}

impl Uid {
    pub(super) fn new(text: &str) -> Self {
        let mut value = 0u128;
        let mut digits = 0;
        for character in text.chars().filter(|character| !matches!(character, '-' | '_')) {
            let Some(digit) = character.to_digit(16) else { return Self::Text(text.into()) };
            digits += 1;
            value = value << 4 | u128::from(digit);
        }
        if digits == 32 { Self::Hex(value) } else { Self::Text(text.into()) }
    }
}

/// A container's id in eight bytes. It is only compared with those of the same
/// pod, which are a handful.
pub(super) fn fingerprint(container_id: &str) -> NonZeroU64 {
    let mut hasher = DefaultHasher::new();
    container_id.hash(&mut hasher);
    NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
}
