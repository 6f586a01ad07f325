//! Records that are about the probe itself.

use std::fmt::Display;
use std::sync::Arc;

use earthworm_wire::record::{Cost, Lost, Record, Trouble, TroubleReason};

use super::Sink;
use crate::clock;
use crate::cost::ProcessCost;
use crate::kernel::Accounts;

/// Hands records to the sink.
pub(super) struct Reporter {
    sink: Arc<dyn Sink>,
    /// What was spent when the probe listened for the first time.
    setup: Option<ProcessCost>,
}

impl Reporter {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        Self { sink, setup: None }
    }

    pub(super) fn push(&self, record: Record) {
        self.sink.push(record);
    }

    pub(super) fn trouble(&self, reason: TroubleReason, message: &dyn Display) {
        let message = message.to_string();
        self.push(Record::Trouble(Trouble { time: clock::now(), reason, message }));
    }

    /// The probe listens: what was spent until now was spent on the setup.
    pub(super) fn listening(&mut self) {
        if self.setup.is_none() {
            self.setup = ProcessCost::read().ok();
        }
    }

    /// The price so far and what was lost so far.
    pub(super) fn costs(&self, accounts: Option<&Accounts>, overflowed: u64) {
        let process = ProcessCost::read().unwrap_or_default();
        let setup = self.setup.unwrap_or_default();
        self.push(Record::Cost(Cost {
            time: clock::now(),
            elapsed_seconds: process.elapsed.as_secs_f64(),
            cpu_seconds: process.cpu.as_secs_f64(),
            setup_seconds: setup.elapsed.as_secs_f64(),
            setup_cpu_seconds: setup.cpu.as_secs_f64(),
            rss_bytes: process.rss_bytes,
            peak_rss_bytes: process.peak_rss_bytes,
            sent_bytes: self.sink.sent_bytes(),
            programs: accounts.map(Accounts::costs).unwrap_or_default(),
            kernel_statistics: false,
        }));
        self.push(Record::Lost(Lost {
            kernel: accounts.map(Accounts::lost).unwrap_or_default(),
            probe: overflowed,
            tunnel: self.sink.dropped(),
        }));
    }
}
