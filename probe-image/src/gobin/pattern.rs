/// Longest import path that may stand before a wanted name.
pub(super) const MAXIMUM_PREFIX_BYTES: usize = 255;

/// A function to look for, by the name the Go linker gives it, for example
/// `crypto/tls.(*Conn).Write`.
///
/// A copy below a `vendor` directory is the same function: some builds call
/// it `k8s.io/kubernetes/vendor/k8s.io/...`. Any other prefix is another
/// package that happens to share the end of its path, with structures of its
/// own, and is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    name: String,
}

impl Pattern {
    /// A pattern for this name, with or without a vendor prefix.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The name without any vendor prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a symbol of this name is wanted.
    #[must_use]
    pub fn matches(&self, symbol: &str) -> bool {
        let Some(prefix) = symbol.strip_suffix(self.name.as_str()) else { return false };
        if self.name.is_empty() || prefix.is_empty() {
            return !self.name.is_empty();
        }
        let vendored = prefix == "vendor/" || prefix.ends_with("/vendor/");
        // The name travels into messages: nothing but what an import path
        // may consist of gets through.
        vendored
            && prefix.len() <= MAXIMUM_PREFIX_BYTES
            && prefix.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl From<&str> for Pattern {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendored_copies_match_and_lookalikes_do_not() {
        let pattern = Pattern::new("crypto/tls.(*Conn).Write");
        for (symbol, expected) in [
            ("crypto/tls.(*Conn).Write", true),
            ("vendor/crypto/tls.(*Conn).Write", true),
            ("k8s.io/kubernetes/vendor/crypto/tls.(*Conn).Write", true),
            ("example.org/crypto/tls.(*Conn).Write", false),
            ("notvendor/crypto/tls.(*Conn).Write", false),
            ("mycrypto/tls.(*Conn).Write", false),
            ("crypto/tls.(*Conn).Write-fm", false),
            ("crypto/tls.(*Conn).Writes", false),
            ("\u{1b}[2J/vendor/crypto/tls.(*Conn).Write", false),
            ("", false),
        ] {
            assert_eq!(pattern.matches(symbol), expected, "{symbol:?}");
        }
        assert!(!Pattern::new("").matches("main.main"));
    }
}
