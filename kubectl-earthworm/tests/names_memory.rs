//! What the names of a large cluster cost in memory.

use earthworm_wire::flow::{OwnerKind, Transport};
use jiff::Timestamp;
use kubectl_earthworm::naming::{
    BackendAddress, BackendFacts, BackendGroup, BackendPort, Change, ContainerFacts, Controller,
    Names, PodFacts, ServiceFacts, ServicePort, What,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

const PODS: u32 = 15_000;
const PODS_OF_ONE_SERVICE: u32 = 10;
const NODES: u32 = 300;
const NAMESPACES: u32 = 100;

/// More would be a list of whole pods again, which have ten times as much.
const MOST_BYTES_PER_POD: usize = 1_024;

/// Counts what is in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

fn uid(number: u32) -> String {
    format!("{number:08x}-0b0a-4908-8706-{:012x}", u64::from(number) * 7919)
}

fn pod(number: u32) -> PodFacts {
    let deployment = number / PODS_OF_ONE_SERVICE;
    let name = format!("checkout-{deployment}-7d9f8b6c5d");
    let container =
        |name: &str| ContainerFacts { name: name.into(), id: Some(format!("{name}{number:064x}")) };
    PodFacts {
        uid: uid(number),
        namespace: format!("team-{}", deployment % NAMESPACES),
        name: format!("{name}-{number:05x}"),
        node: Some(format!("node-{}", number % NODES)),
        addresses: vec![address(number)],
        containers: ["app", "sidecar", "setup"].map(container).to_vec(),
        controller: Some(Controller { kind: "ReplicaSet".into(), name }),
        template_hash: Some("7d9f8b6c5d".into()),
        ..PodFacts::default()
    }
}

fn service(number: u32) -> [Change; 2] {
    let namespace = format!("team-{}", number % NAMESPACES);
    let name = format!("checkout-{number}");
    let pods = number * PODS_OF_ONE_SERVICE..(number + 1) * PODS_OF_ONE_SERVICE;
    let behind = BackendGroup {
        addresses: pods
            .map(|pod| BackendAddress { address: address(pod), pod_uid: Some(uid(pod)) })
            .collect(),
        ports: vec![BackendPort { transport: Transport::Tcp, port: Some(8080) }],
    };
    [
        Change::Service(ServiceFacts {
            namespace: namespace.clone(),
            name: name.clone(),
            cluster_addresses: vec![address(0x0060_0000 + number)],
            outer_addresses: Vec::new(),
            ports: vec![ServicePort { transport: Transport::Tcp, port: 80, node_port: None }],
        }),
        Change::Backends(BackendFacts {
            namespace,
            name: format!("{name}-x2x4z"),
            service: name,
            groups: vec![behind],
        }),
    ]
}

#[test]
fn a_pod_of_a_large_cluster_costs_less_than_a_kilobyte() {
    let at = Timestamp::UNIX_EPOCH;
    let before = IN_USE.load(Ordering::Relaxed);
    let mut names = Names::default();
    for number in 0..PODS {
        names.apply(Change::Pod { at, pod: Box::new(pod(number)) });
    }
    let pods = IN_USE.load(Ordering::Relaxed) - before;
    for number in 0..PODS / PODS_OF_ONE_SERVICE {
        service(number).into_iter().for_each(|change| names.apply(change));
    }
    for what in What::ALL {
        names.apply(Change::Synced(what));
    }
    let all = IN_USE.load(Ordering::Relaxed) - before;
    let per_pod = |bytes: usize| bytes / PODS as usize;
    eprintln!(
        "{PODS} pods: {} bytes each, {} with their services, {:.1} MiB in all",
        per_pod(pods),
        per_pod(all),
        all as f64 / f64::from(1 << 20)
    );
    assert!(per_pod(all) <= MOST_BYTES_PER_POD, "{} bytes per pod", per_pod(all));

    // All of it is there.
    let last = PODS - 1;
    let found = names.address(address(last), 8080, Transport::Tcp, at).expect("a name");
    assert_eq!(*found.name, *pod(last).name);
    assert_eq!(&*found.workload.as_ref().expect("a workload").name, "checkout-1499");
    assert_eq!(&*found.service.as_ref().expect("a service").name, "checkout-1499");
    let container_id = pod(last).containers[1].id.clone().expect("an id");
    let owner = OwnerKind::Container { pod_uid: uid(last), container_id };
    assert_eq!(names.owner("node-a", &owner).expect("an owner").container, Some("sidecar".into()));

    // Whoever shows the same again makes nothing grow.
    for number in 0..PODS {
        names.apply(Change::Pod { at, pod: Box::new(pod(number)) });
    }
    let again = IN_USE.load(Ordering::Relaxed) - before;
    assert!(again <= all + all / 100, "{again} bytes after {all}");
}
