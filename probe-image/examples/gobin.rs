//! Shows what can be probed in a Go executable, and what looking cost.
//!
//! `cargo run --release --example gobin -- FILE [FUNCTION...]`
#![expect(clippy::print_stdout, reason = "what it found is the example's output")]

use std::fs::File;
use std::time::Instant;

use anyhow::{Context, Result};
use earthworm_probe::gobin::{FunctionCache, GoBinary, Pattern};

/// The functions that make up a node's heartbeat in a kubelet.
const HEARTBEAT: [&str; 6] = [
    "k8s.io/component-helpers/apimachinery/lease.(*controller).sync",
    "k8s.io/component-helpers/apimachinery/lease.(*controller).newLease",
    "k8s.io/component-helpers/apimachinery/lease.(*controller).retryUpdateLease",
    "crypto/tls.(*Conn).Write",
    "golang.org/x/net/http2.(*clientConnReadLoop).processHeaders",
    "net/http.(*http2clientConnReadLoop).processHeaders",
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: gobin FILE [FUNCTION...]")?;
    let mut wanted: Vec<Pattern> = arguments.map(Pattern::new).collect();
    if wanted.is_empty() {
        wanted = HEARTBEAT.map(Pattern::new).into();
    }

    let file = File::open(&path).with_context(|| format!("cannot open {path:?}"))?;
    let before = peak_resident_kib()?;
    let start = Instant::now();
    let binary = GoBinary::open(&file)?;
    let opened = start.elapsed();
    let mut cache = FunctionCache::new(4);
    let functions = cache.find(&binary, &wanted)?;
    let found = start.elapsed();

    let version = binary.go_version().map_or("unknown", |version| version.text.as_str());
    println!("{:?}, Go {version}, {:?} ABI", binary.architecture(), binary.abi());
    println!("pie {}, build id {}", binary.pie(), binary.build_id().unwrap_or("none"));
    for function in functions.iter() {
        println!("{}", function.name);
        println!(
            "  address {:#x}, {} bytes, by {:?}",
            function.address, function.size_bytes, function.trusted_by
        );
        match function.entry(&file) {
            Ok(entry) => println!("  entry {:#x}, {:?} ABI", entry.file_offset, entry.abi),
            Err(error) => println!("  entry refused: {error}"),
        }
        match function.returns(&file) {
            Ok(returns) => println!("  returns {}", hexadecimal(&returns)),
            Err(error) => println!("  returns refused: {error}"),
        }
    }
    for name in functions.missing() {
        println!("{name:?} not found");
    }

    let start = Instant::now();
    cache.find(&binary, &wanted)?;
    println!(
        "open {opened:?}, open and find {found:?}, again from the cache {:?}",
        start.elapsed()
    );
    println!("peak resident {} KiB, {before} KiB of it before", peak_resident_kib()?);
    Ok(())
}

/// The most memory this process ever had resident, from the kernel.
fn peak_resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()).context("no VmHWM")?;
    Ok(number.parse()?)
}

fn hexadecimal(offsets: &[u64]) -> String {
    offsets.iter().map(|offset| format!("{offset:#x}")).collect::<Vec<_>>().join(" ")
}
