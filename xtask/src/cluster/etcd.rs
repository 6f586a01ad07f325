//! etcd: one member, for this machine only.

use super::layout::Layout;
use super::options::ports;

/// The program's name.
pub const NAME: &str = "etcd";

/// The command line.
#[must_use]
pub fn argv(layout: &Layout) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports::ETCD_CLIENT);
    let peer = format!("http://127.0.0.1:{}", ports::ETCD_PEER);
    vec![
        NAME.to_owned(),
        "--name=sandbox".to_owned(),
        format!("--data-dir={}", layout.control_plane("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=sandbox={peer}"),
        "--logger=zap".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_on_loopback_only() {
        for argument in argv(&Layout::new("/s")) {
            if argument.contains("http://") {
                assert!(argument.contains("http://127.0.0.1:2238") || argument.contains(":22379"));
            }
        }
    }
}
