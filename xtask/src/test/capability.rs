//! What this process may do: in a container, root alone does not say it.

use std::fs;

/// Numbers from `include/uapi/linux/capability.h`.
const NAMES: [(u32, &str); 5] = [
    (12, "CAP_NET_ADMIN"),
    (19, "CAP_SYS_PTRACE"),
    (21, "CAP_SYS_ADMIN"),
    (38, "CAP_PERFMON"),
    (39, "CAP_BPF"),
];

/// The first of these capabilities that this process does not have. A name that
/// is not in the list above counts as missing.
pub(super) fn missing<'a>(wanted: &[&'a str]) -> Option<&'a str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    first_missing(effective(&status).unwrap_or(0), wanted)
}

/// The set of effective capabilities, one bit each.
fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn first_missing<'a>(set: u64, wanted: &[&'a str]) -> Option<&'a str> {
    wanted.iter().copied().find(|name| {
        let number = NAMES.iter().find(|(_, known)| known == name).map(|(number, _)| *number);
        number.is_none_or(|number| set & (1 << number) == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_bit_by_bit() {
        let set = effective("Name:\tx\nCapEff:\t000000c000001000\n").unwrap();
        assert_eq!(first_missing(set, &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"]), None);
        assert_eq!(first_missing(set, &["CAP_BPF", "CAP_SYS_ADMIN"]), Some("CAP_SYS_ADMIN"));
        assert_eq!(effective("Name:\tx\n"), None);
    }
}
