//! Crowds of clients, full tables, and what is left afterwards.

use std::collections::HashSet;
use std::fs::File;

use super::super::leftovers::{self, Object};
use super::super::pod::unified_root;
use super::*;

#[test]
fn thousands_of_sockets_are_one_flow() {
    if cannot_run("thousands_of_sockets_are_one_flow") {
        return;
    }
    const SOCKETS: usize = 5_000;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let server = SocketAddr::new("192.0.2.2".parse().unwrap(), PORT);
    let probe = Probe::start(INTERVAL);
    let serving = serve(&right, server, SOCKETS, |_| 20);
    let ports = left
        .within(move || {
            let mut ports = HashSet::new();
            for _ in 0..SOCKETS {
                let socket = socket_at("192.0.2.1:0".parse().unwrap());
                ports.insert(socket.local_addr().unwrap().port());
                ask(&socket, server, &[10]);
            }
            ports
        })
        .join()
        .unwrap();
    serving.join().unwrap();
    probe.wait_for_next_sweep();
    let told = probe.stop();
    told.assert_nothing_lost();
    let flows = of(&told, &left, Direction::Outgoing, PORT);
    let identities: HashSet<_> =
        flows.iter().map(|flow| (flow.owner, flow.peer, flow.local, flow.remote)).collect();
    println!("{} ports of {SOCKETS} sockets, {} flow", ports.len(), identities.len());
    assert!(ports.len() > SOCKETS / 2);
    assert_eq!(identities.len(), 1);
    let traffic = sum(&flows);
    let count = SOCKETS as u64;
    assert_eq!((traffic.sent.packets, traffic.received.packets), (count, count));
    assert_eq!((traffic.sent.bytes, traffic.received.bytes), (10 * count, 20 * count));
    assert_eq!(of(&told, &right, Direction::Incoming, PORT), Vec::<&_>::new());
}

/// One datagram of three bytes to each of these ports.
fn scatter(pod: &Pod, ports: std::ops::Range<u16>) {
    pod.within(move || {
        let socket = UdpSocket::bind("192.0.2.1:0").unwrap();
        for port in ports {
            socket.send_to(b"abc", ("192.0.2.2", port)).unwrap();
        }
    })
    .join()
    .unwrap();
}

#[test]
fn what_finds_no_room_is_counted_and_room_is_made() {
    if cannot_run("what_finds_no_room_is_counted_and_room_is_made") {
        return;
    }
    const KINDS: u16 = 9_000;
    const FIRST: u16 = 10_000;
    let _alone = alone();
    let (left, right) = (Pod::start(), Pod::start());
    join(&left, &right);
    let probe = Probe::start(INTERVAL);
    scatter(&left, FIRST..FIRST + KINDS);
    for _ in 0..12 {
        probe.wait_for_next_sweep();
    }
    // Others have their room now, and the first ones begin anew.
    scatter(&left, 20_000..20_500);
    scatter(&left, FIRST..FIRST + 100);
    probe.wait_for_next_sweep();
    let told = probe.stop();
    let sent = |ports: std::ops::Range<u16>| {
        let wanted = told.flows.iter().filter(|flow| {
            ports.contains(&flow.port) && told.pod(flow.owner) == Some(left.uid.as_str())
        });
        sum(&wanted.collect::<Vec<_>>()).sent
    };
    let (crowd, others) = (sent(FIRST..FIRST + KINDS), sent(20_000..20_500));
    let counted = crowd.packets - 100;
    println!("{counted} of {KINDS} counted, lost {:?}", told.lost);
    assert!(counted < u64::from(KINDS), "the table did not fill up");
    assert_eq!(crowd.bytes, 3 * crowd.packets);
    for port in FIRST..FIRST + KINDS {
        let packets = sent(port..port + 1).packets;
        let most = if port < FIRST + 100 { 2 } else { 1 };
        assert!(packets <= most && (most == 1 || packets == 2), "{packets} to {port}");
    }
    // Whoever else is at work on this machine finds no room either.
    assert!(told.lost.kernel >= u64::from(KINDS) - counted);
    assert_eq!((others.packets, others.bytes), (500, 1_500));
}

/// Ids of the programs at the root of the control groups.
fn programs_at_root() -> [Vec<u32>; 2] {
    /// `BPF_PROG_QUERY` and its member of `union bpf_attr`, include/uapi/linux/bpf.h.
    const QUERY: libc::c_int = 16;
    #[repr(C)]
    struct Query {
        target: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        ids: u64,
        count: u32,
        unused: u32,
    }
    let root = File::open(unified_root()).unwrap();
    // BPF_CGROUP_INET_INGRESS and BPF_CGROUP_INET_EGRESS.
    [0, 1].map(|attach_type| {
        let mut ids = vec![0_u32; 64];
        let mut query = Query {
            target: root.as_raw_fd().try_into().unwrap(),
            attach_type,
            query_flags: 0,
            attach_flags: 0,
            ids: ids.as_mut_ptr() as u64,
            count: 64,
            unused: 0,
        };
        // SAFETY: the ids have room for as many as the query says.
        let result =
            unsafe { libc::syscall(libc::SYS_bpf, QUERY, &raw mut query, size_of::<Query>()) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        ids.truncate(query.count as usize);
        ids
    })
}

#[test]
fn nothing_is_left_at_the_control_groups() {
    if cannot_run("nothing_is_left_at_the_control_groups") {
        return;
    }
    let _alone = alone();
    let probe = Probe::start(INTERVAL);
    let first = own_at_root();
    // A second one stands beside it.
    let second = Probe::start(INTERVAL);
    let both = own_at_root();
    for kind in 0..2 {
        assert_eq!((first[kind].len(), both[kind].len()), (1, 2));
        assert!(both[kind].contains(&first[kind][0]));
    }
    drop(second.stop_beside_others());
    assert_eq!(own_at_root(), first);
    drop(probe.stop());
    let left = programs_at_root();
    for kind in 0..2 {
        assert!(both[kind].iter().all(|id| !left[kind].contains(id)), "{left:?}");
    }
}

/// Those of this process: whoever else is at work on this machine may have some too.
fn own_at_root() -> [Vec<u32>; 2] {
    let held = leftovers::held();
    programs_at_root()
        .map(|ids| ids.into_iter().filter(|id| held.contains(&Object::Program(*id))).collect())
}
