//! What the probe can do with fewer rights, and what it says about the rest.

use std::collections::BTreeSet;

use earthworm_wire::record::{Lead, TroubleReason};

use super::support::heart::{Heart, Server};
use super::support::listener::Listener;
use super::support::{alone, cannot_run};

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_PTRACE: u32 = 19;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Leaves this thread, and those it starts, nothing but these capabilities.
fn keep_only(capabilities: &[u32]) {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Set {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let mut sets = [Set::default(); 2];
    for capability in capabilities.iter().copied().collect::<BTreeSet<u32>>() {
        let bit = 1 << (capability % 32);
        sets[capability as usize / 32].effective |= bit;
        sets[capability as usize / 32].permitted |= bit;
    }
    // _LINUX_CAPABILITY_VERSION_3, for the calling thread.
    let header = Header { version: 0x2008_0522, pid: 0 };
    // SAFETY: header and sets are in the layout of version 3 of the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn the_weakest_profile_gives_everything() {
    if cannot_run("the_weakest_profile_gives_everything") {
        return;
    }
    let _alone = alone();
    let node = "pulse-profile";
    let server = Server::start(node, "");
    let mut heart = Heart::start(&server, node, &["--interval=100ms"]);
    let listener = Listener::start_with(node, || {
        keep_only(&[CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_PTRACE]);
    });
    let attached = listener.attached(heart.pid());
    if attached.mechanism.as_deref() == Some("uprobe_multi") {
        assert_eq!(attached.leads, [Lead::Conduction, Lead::Plaintext]);
        heart.beat();
        listener.wait_for_beats(3);
    } else {
        // Below 6.6 the user probes need more, and that is what must be said.
        assert_eq!(attached.leads, []);
        assert_eq!(listener.trouble().reason, TroubleReason::NotPermitted);
    }
    listener.stop();
}

#[test]
fn missing_rights_are_told_from_missing_features() {
    if cannot_run("missing_rights_are_told_from_missing_features") {
        return;
    }
    let _alone = alone();
    let node = "pulse-no-rights";
    let server = Server::start(node, "");
    let _heart = Heart::start(&server, node, &[]);
    for rights in [&[][..], &[CAP_BPF, CAP_NET_ADMIN, CAP_SYS_PTRACE], &[CAP_BPF, CAP_PERFMON]] {
        let listener = Listener::start_with(node, || keep_only(rights));
        let trouble = listener.trouble();
        assert_eq!(trouble.reason, TroubleReason::NotPermitted, "{rights:?}: {trouble:?}");
        eprintln!("with {rights:?}: {}", trouble.message);
        listener.stop();
    }
}
