//! Listens to the kubelet of this network namespace and prints every record.
//!
//! `pulse NODE [SECONDS]`, as root. In a sandbox with several nodes:
//! `nsenter --net=/run/netns/NAME pulse NODE`.

use std::sync::Arc;
use std::time::Duration;

use earthworm_probe::probes::{Sink, pulse};
use earthworm_wire::record::Record;
use earthworm_wire::request::PulseRequest;

/// Prints instead of sending.
struct Print;

impl Sink for Print {
    #[expect(clippy::print_stdout, reason = "printing the records is what this example does")]
    fn push(&self, record: Record) {
        println!("{record:?}");
    }

    fn dropped(&self) -> u64 {
        0
    }

    fn sent_bytes(&self) -> u64 {
        0
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let node = arguments.next().unwrap_or_default();
    let seconds = arguments.next().map_or(Ok(u64::MAX), |seconds| seconds.parse())?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let probe = tokio::spawn(pulse::run(PulseRequest { node }, Arc::new(Print), stopped));
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    stop.send(true)?;
    probe.await?;
    Ok(())
}
