//! The last word about a node, as one line.

use super::table::duration;
use crate::rhythm::{ProbeOutcome, Summary};
use earthworm_wire::record::{Cost, Lost};

/// What a node's session came to; text from outside is unescaped.
pub(super) fn summary(summary: &Summary) -> String {
    let mut parts = vec![beats(summary)];
    parts.extend(rhythm(summary));
    match &summary.probe {
        ProbeOutcome::NotWanted => {
            parts.push("No probe: only the API server was asked.".to_owned())
        }
        ProbeOutcome::NeverListened(None) => {
            parts.push("The probe did not come to listen in time.".to_owned());
        }
        ProbeOutcome::NeverListened(Some(problem)) => {
            parts.push(format!("The probe never listened ({}).", problem.reason));
        }
        ProbeOutcome::Listened => {
            let gap = summary.gap_seconds.filter(|&gap| gap >= 0.05);
            parts.extend(gap.map(|gap| format!("{gap:.1} s not observed on the node.")));
            parts.extend(summary.lost.as_ref().map(lost));
            parts.push(match &summary.cost {
                Some(spent) => cost(spent),
                None => "Probe cost: not reported.".to_owned(),
            });
        }
    }
    parts.extend(removed(summary.removed));
    parts.join(" ")
}

/// Whether anything is left in the cluster.
pub(super) fn removed(removed: Option<bool>) -> Option<String> {
    let words = if removed? {
        "Nothing left behind."
    } else {
        "Could not confirm that nothing is left behind: see kubectl get jobs,pods -A \
         -l app.kubernetes.io/managed-by=kubectl-earthworm"
    };
    Some(words.to_owned())
}

/// What the session of a node came to whose traffic was counted; text from
/// outside is unescaped.
pub(super) fn traffic(summary: &crate::traffic::Summary) -> String {
    let mut parts = Vec::new();
    match &summary.probe {
        ProbeOutcome::NotWanted => {}
        ProbeOutcome::NeverListened(None) => {
            parts.push("The probe did not come to listen in time.".to_owned());
        }
        ProbeOutcome::NeverListened(Some(problem)) => {
            parts.push(format!("The probe never listened ({}).", problem.reason));
        }
        ProbeOutcome::Listened => {
            parts.push(looks(summary));
            if summary.other.flows > 0 {
                let flows = count(summary.other.flows, "flow");
                parts.push(format!("{flows} forgotten for want of room, and counted as other."));
            }
            if summary.held_back > 0 {
                let flows = count(summary.held_back, "flow");
                parts.push(format!("{flows} had more to tell: this side took too little."));
            }
            parts.extend(summary.missing.iter().map(|line| format!("Not seen: {line}.")));
            parts.extend(summary.lost.as_ref().map(lost));
            parts.push(match &summary.cost {
                Some(spent) => cost(spent),
                None => "Probe cost: not reported.".to_owned(),
            });
        }
    }
    parts.extend(removed(summary.removed));
    parts.join(" ")
}

fn looks(summary: &crate::traffic::Summary) -> String {
    let looks = count(summary.intervals, "look");
    let sockets = summary.sockets.map_or_else(|| "no sockets".to_owned(), |n| count(n, "socket"));
    let dropped = summary.dropped.as_ref();
    let dropped = dropped.map(|amount| format!(", {} dropped", count(amount.packets, "packet")));
    let each = summary.sweep_seconds.map(|seconds| format!(", {} each", duration(seconds)));
    format!(
        "{looks} at {sockets} in {:.1} s{}; {} ended{}.",
        summary.observed_seconds,
        each.unwrap_or_default(),
        count(summary.ended, "connection"),
        dropped.unwrap_or_default(),
    )
}

fn beats(summary: &Summary) -> String {
    let beats = summary.beats;
    let mean = summary.intervals.mean.map(|mean| format!(", mean {mean:.2} s"));
    let mean = mean.unwrap_or_default();
    let few = if beats.total < 2 { ", too few for a rhythm" } else { "" };
    if summary.missed.is_none() {
        return format!("{} seen at the API{mean}{few}.", count(beats.api, "beat"));
    }
    let missed = summary.missed.unwrap_or_default();
    format!(
        "{} seen on the node, {} at the API, {missed} missed{mean}{few}.",
        count(beats.on_node(), "beat"),
        beats.api,
    )
}

/// Only what is worth a word: a normal sinus rhythm all along is not.
fn rhythm(summary: &Summary) -> Option<String> {
    use crate::rhythm::Class;
    let (last, worst) = (summary.rhythm, summary.worst);
    if last == Class::NormalSinus && worst <= Class::NormalSinus {
        return None;
    }
    if last == Class::Undetermined && worst <= Class::NormalSinus {
        return (summary.beats.total >= 2).then(|| "Rhythm undetermined at the end.".to_owned());
    }
    if last == worst {
        return Some(format!("Rhythm: {}.", last.title()));
    }
    Some(format!("Rhythm: {}, {} on the way.", last.title(), worst.title()))
}

pub(super) fn lost(lost: &Lost) -> String {
    let hops = [("kernel", lost.kernel), ("probe", lost.probe), ("tunnel", lost.tunnel)];
    let some: Vec<String> = hops
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(hop, count)| format!("{count} in the {hop}"))
        .collect();
    if some.is_empty() { "Lost: none.".to_owned() } else { format!("Lost: {}.", some.join(", ")) }
}

pub(super) fn cost(cost: &Cost) -> String {
    // The price of listening grows with time, that of the setup does not.
    let listened = cost.elapsed_seconds - cost.setup_seconds;
    let percent = if listened > 0.0 {
        let cpu = cost.cpu_seconds - cost.setup_cpu_seconds;
        format!("{:.2} % CPU", cpu / listened * 100.0)
    } else {
        format!("{} CPU", duration(cost.cpu_seconds))
    };
    let setup = if cost.setup_cpu_seconds > 0.0 {
        format!(" ({:.2} s to set up)", cost.setup_cpu_seconds)
    } else {
        String::new()
    };
    let runs: u64 = cost.programs.iter().map(|program| program.runs).sum();
    // The sum of nothing is -0.
    let seconds = cost.programs.iter().fold(0.0, |sum, program| sum + program.run_seconds);
    format!(
        "Probe cost: {percent}{setup}, {}, {} ({:.1} ms).",
        mebibytes(cost.rss_bytes),
        count(runs, "program run"),
        seconds * 1e3,
    )
}

fn mebibytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss)]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 10.0 { format!("{mebibytes:.1} MiB") } else { format!("{mebibytes:.0} MiB") }
}

pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
