//! The one rule that a machine with a strict packet filter needs.
//!
//! Where br_netfilter is loaded, packets that only cross our bridge pass the
//! machine's FORWARD chain as well. Docker sets that chain to DROP, and pods on
//! different nodes would not reach each other.

use anyhow::Result;

use super::network::run;
use super::options::BRIDGE;

/// Lets packets cross the bridge, where the machine would drop them.
///
/// # Errors
/// When `iptables` refuses.
pub(super) fn let_nodes_talk() -> Result<()> {
    if drops(&listing()) {
        change("-I")?;
    }
    Ok(())
}

/// Takes the rule back, if it is there.
///
/// # Errors
/// When `iptables` refuses.
pub(super) fn restore() -> Result<()> {
    for _ in rules() {
        change("-D")?;
    }
    Ok(())
}

/// Our rules in the FORWARD chain.
#[must_use]
pub fn rules() -> Vec<String> {
    ours(&listing())
}

fn change(operation: &str) -> Result<()> {
    run("iptables", &[operation, "FORWARD", "-i", BRIDGE, "-o", BRIDGE, "-j", "ACCEPT"]).map(drop)
}

/// Listing changes nothing, also where no table exists yet. Without `iptables`,
/// or without the right to use it, there can be no rule of ours.
fn listing() -> String {
    run("iptables", &["-S", "FORWARD"]).unwrap_or_default()
}

fn drops(listing: &str) -> bool {
    listing.lines().any(|line| line == "-P FORWARD DROP")
}

fn ours(listing: &str) -> Vec<String> {
    let names_bridge = format!("-i {BRIDGE} -o {BRIDGE} ");
    listing.lines().filter(|line| line.contains(&names_bridge)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_rule_is_ours() {
        let listing = "-P FORWARD DROP\n-A FORWARD -i docker0 -o docker0 -j ACCEPT\n\
                       -A FORWARD -i earthworm0 -o earthworm0 -j ACCEPT\n";
        assert!(drops(listing));
        assert_eq!(ours(listing), ["-A FORWARD -i earthworm0 -o earthworm0 -j ACCEPT"]);
        assert!(!drops("-P FORWARD ACCEPT\n"));
        assert!(!drops(""));
    }
}
