//! `-o name`: `node/NAME`, once for each node that beat.

use super::Sink;
use super::escape::escape;
use super::people::People;
use crate::rhythm::{Finding, FindingKind, Summary};
use crate::signal::NodeId;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes a node's name when its first beat arrives at the control plane.
#[derive(Debug)]
pub struct Name<W, E> {
    out: W,
    people: People<E>,
    told: BTreeSet<NodeId>,
}

impl<W: Write, E: Write> Name<W, E> {
    /// Names to `out`, problems to `err`.
    pub fn new(out: W, people: People<E>) -> Self {
        Self { out, people, told: BTreeSet::new() }
    }
}

impl<W: Write, E: Write> Sink for Name<W, E> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        match &finding.kind {
            FindingKind::Beat(beat) if beat.arrived == Some(true) => {
                if self.told.insert(finding.node.clone()) {
                    writeln!(self.out, "node/{}", escape(&finding.node.node))?;
                }
                Ok(())
            }
            FindingKind::Problem(problem) => {
                // On a terminal both are one text, which keeps its order.
                self.out.flush()?;
                self.people.problem(&finding.node, problem)
            }
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn finish(&mut self, _: &[Summary]) -> io::Result<()> {
        self.out.flush()
    }
}
