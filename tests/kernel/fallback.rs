//! The way of older kernels to hold user probes.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use aya::maps::{HashMap, MapData, PerCpuArray};
use aya::{Btf, EbpfLoader};
use earthworm_ebpf::pulse;
use earthworm_probe::gobin::{GoBinary, Pattern};
use earthworm_probe::uprobe::{Mechanism, UserPrograms};

use super::support::heart::{Heart, Server};
use super::support::{alone, cannot_run};

const RETRY: &str = "k8s.io/component-helpers/apimachinery/lease.(*controller).retryUpdateLease";

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Counters(earthworm_ebpf::ProgramCost);

// SAFETY: two integers, without padding.
unsafe impl aya::Pod for Counters {}

fn runs(cost: &PerCpuArray<&MapData, Counters>, program: &str) -> u64 {
    let index = pulse::PROGRAMS.iter().position(|name| *name == program).unwrap();
    let values = cost.get(&u32::try_from(index).unwrap(), 0).unwrap();
    values.iter().map(|Counters(cost)| cost.runs).sum()
}

#[test]
fn perf_holds_all_returns_and_lets_go() {
    if cannot_run("perf_holds_all_returns_and_lets_go") {
        return;
    }
    let _alone = alone();
    let node = "pulse-perf";
    let server = Server::start(node, "200*3,500*5,200");
    let mut heart = Heart::start(&server, node, &["--interval=100ms"]);

    let btf = Btf::from_sys_fs().unwrap();
    let namespace = fs::metadata("/proc/self/ns/pid").unwrap();
    let mut ebpf = EbpfLoader::new()
        .btf(Some(&btf))
        .override_global("namespace_device", &namespace.dev(), true)
        .override_global("namespace_inode", &namespace.ino(), true)
        .load(earthworm_ebpf::pulse_object())
        .unwrap();
    let mut watched: HashMap<_, u32, u32> =
        HashMap::try_from(ebpf.take_map("watched").unwrap()).unwrap();
    watched.insert(heart.pid(), 1, 0).unwrap();

    let file = File::open(format!("/proc/{}/exe", heart.pid())).unwrap();
    let functions = GoBinary::open(&file).unwrap().find(&[Pattern::from(RETRY)]).unwrap();
    let returns = functions.named(RETRY).unwrap()[0].returns(&file).unwrap();
    assert!(returns.len() >= 2, "{returns:?}");

    let mut programs = UserPrograms::perf_only();
    let attachment = programs.attach(&mut ebpf, "retry_return", heart.pid(), &returns).unwrap();
    assert_eq!(attachment.mechanism(), Mechanism::Perf);
    heart.beat();
    // POST, three renewals, five failures, and the one after them.
    server.wait_for(node, 11);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let cost = PerCpuArray::try_from(ebpf.map("cost").unwrap()).unwrap();
    let seen = runs(&cost, "retry_return");
    assert!((5..=6).contains(&seen), "{seen} returns");
    programs.detach(&mut ebpf, attachment);

    let cost = PerCpuArray::try_from(ebpf.map("cost").unwrap()).unwrap();
    let before = runs(&cost, "retry_return");
    let received = server.received(node).len();
    server.wait_for(node, received + 3);
    assert_eq!(runs(&cost, "retry_return"), before, "still attached");
}
