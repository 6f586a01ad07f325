//! Sizes for people.

/// Powers of 1024.
const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/// Bytes in binary units with one decimal: `512B`, `1.5KiB`.
pub(super) fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    #[expect(clippy::cast_precision_loss)]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be rounded to 1024.0 is one of the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1}{}", UNITS[unit])
}

/// Bytes per second.
pub(super) fn rate(per_second: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = per_second.max(0.0).round() as u64;
    format!("{}/s", bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_units() {
        for (size, expected) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0KiB"),
            (1536, "1.5KiB"),
            (1_048_570, "1.0MiB"),
            (3_221_225_472, "3.0GiB"),
            (u64::MAX, "16384.0PiB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        assert_eq!(rate(0.4), "0B/s");
        assert_eq!(rate(2_097_152.0), "2.0MiB/s");
    }
}
