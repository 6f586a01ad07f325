//! What the probes of one node cost and lost, over all of them: each counts
//! from its own start.

use earthworm_wire::record::{Cost, Lost};

/// Sums over the probes that a node had in one session.
#[derive(Debug, Default)]
pub struct Price {
    lost: Option<Lost>,
    lost_before: Lost,
    lost_records: u64,
    cost: Option<Box<Cost>>,
    cost_before: Option<Box<Cost>>,
}

impl Price {
    /// Price so far of the probe that runs now.
    pub fn cost_now(&mut self, cost: Cost) {
        self.cost = Some(Box::new(cost));
    }

    /// Losses so far of the probe that runs now.
    pub fn lost_now(&mut self, lost: Lost) {
        self.lost = Some(lost);
    }

    /// Records are missing between two connections.
    pub fn records_lost(&mut self, records: u64) {
        self.lost_records = self.lost_records.saturating_add(records);
    }

    /// The probe is gone; another one may follow, which counts anew.
    pub fn probe_gone(&mut self) {
        if let Some(lost) = self.lost.take() {
            self.lost_before.kernel += lost.kernel;
            self.lost_before.probe += lost.probe;
            self.lost_before.tunnel += lost.tunnel;
        }
        if let Some(cost) = self.cost.take() {
            match &mut self.cost_before {
                Some(before) => add(before, &cost),
                None => self.cost_before = Some(cost),
            }
        }
    }

    /// Losses of every probe; `None` when none was reported.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        if self.lost.is_none() && self.lost_before == Lost::default() && self.lost_records == 0 {
            return None;
        }
        let now = self.lost.unwrap_or_default();
        // A record that the probe dropped is missing between two connections
        // too: the larger of the two counts holds both.
        let tunnel = (self.lost_before.tunnel + now.tunnel).max(self.lost_records);
        Some(Lost {
            kernel: self.lost_before.kernel + now.kernel,
            probe: self.lost_before.probe + now.probe,
            tunnel,
        })
    }

    /// Price of every probe together; `None` when none was reported.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        let (before, now) = (self.cost_before.as_deref(), self.cost.as_deref());
        let mut total = before.or(now)?.clone();
        if let (Some(_), Some(now)) = (before, now) {
            add(&mut total, now);
        }
        Some(total)
    }
}

/// Adds the price of a later probe.
fn add(total: &mut Cost, cost: &Cost) {
    total.time = cost.time;
    total.elapsed_seconds += cost.elapsed_seconds;
    total.cpu_seconds += cost.cpu_seconds;
    total.setup_seconds += cost.setup_seconds;
    total.setup_cpu_seconds += cost.setup_cpu_seconds;
    total.rss_bytes = cost.rss_bytes;
    total.peak_rss_bytes = total.peak_rss_bytes.max(cost.peak_rss_bytes);
    total.sent_bytes += cost.sent_bytes;
    total.kernel_statistics |= cost.kernel_statistics;
    for program in &cost.programs {
        match total.programs.iter_mut().find(|known| known.name == program.name) {
            Some(known) => {
                known.runs += program.runs;
                known.run_seconds += program.run_seconds;
            }
            None => total.programs.push(program.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use earthworm_wire::record::ProgramCost;

    fn cost(runs: u64) -> Cost {
        let program = ProgramCost { name: "sweep".into(), runs, run_seconds: 0.5 };
        Cost { cpu_seconds: 1.0, rss_bytes: runs, programs: vec![program], ..Cost::default() }
    }

    #[test]
    fn probes_add_up() {
        let mut price = Price::default();
        assert_eq!((price.cost(), price.lost()), (None, None));
        for runs in [3, 4, 5] {
            price.probe_gone();
            price.cost_now(cost(runs));
            price.lost_now(Lost { kernel: 1, probe: 0, tunnel: 2 });
        }
        let total = price.cost().unwrap();
        assert_eq!((total.programs[0].runs, total.rss_bytes, total.cpu_seconds), (12, 5, 3.0));
        price.records_lost(4);
        assert_eq!(price.lost(), Some(Lost { kernel: 3, probe: 0, tunnel: 6 }));
        price.records_lost(40);
        assert_eq!(price.lost(), Some(Lost { kernel: 3, probe: 0, tunnel: 44 }));
    }
}
