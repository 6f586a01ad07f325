//! Measures on this machine and prints every record.
//!
//! `records pulse NODE [SECONDS]` or `records flows [SECONDS]`, as root. In a
//! sandbox with several nodes: `nsenter --net=/run/netns/NAME records ...`.

use std::sync::Arc;
use std::time::Duration;

use earthworm_probe::probes::{Sink, flows, pulse};
use earthworm_wire::record::Record;
use earthworm_wire::request::{FlowsRequest, PulseRequest};

/// Prints instead of sending.
struct Print;

impl Sink for Print {
    #[expect(clippy::print_stdout, reason = "printing the records is what this example does")]
    fn push(&self, record: Record) {
        println!("{record:?}");
    }

    fn room(&self) -> usize {
        usize::MAX
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
    let what = arguments.next();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let sink: Arc<dyn Sink> = Arc::new(Print);
    let probe = match what.as_deref() {
        Some("pulse") => {
            let node = arguments.next().unwrap_or_default();
            tokio::spawn(pulse::run(PulseRequest { node }, sink, stopped))
        }
        Some("flows") => {
            let request = FlowsRequest { interval_milliseconds: 1_000 };
            tokio::spawn(flows::run(request, sink, stopped))
        }
        _ => anyhow::bail!("records pulse NODE [SECONDS] or records flows [SECONDS]"),
    };
    let seconds = arguments.next().map_or(Ok(u64::MAX), |seconds| seconds.parse())?;
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    stop.send(true)?;
    probe.await?;
    Ok(())
}
