//! `cargo xtask bench`: what the project promises in figures, measured here
//! beside a peer or a plain variant.
//!
//! Each benchmark gives tables, goals and notes, or the reason why it cannot run
//! on this machine, which is printed as loudly. A goal that is missed is a
//! figure, not a failure: these machines are noisy.

mod flows;
mod help;
mod idle;
mod leases;
mod machine;
mod process;
mod programs;
mod report;
mod size;
mod start;
mod statistics;
mod stream;
mod uprobe;
mod watched;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::build;
use crate::cli::{BenchArguments, Benchmark};
use crate::cluster::layout::Layout;
use crate::cluster::status::Status;
use crate::cluster::{Options, Sandbox};
use crate::packages;
use crate::progress::{print, say};
use programs::Programs;
use report::{Findings, Section};

/// Where `--write` writes.
const DOCUMENT: &str = "docs/benchmarks.md";

/// In the order in which they run.
const ALL: [Benchmark; 8] = [
    Benchmark::Start,
    Benchmark::Help,
    Benchmark::Size,
    Benchmark::Idle,
    Benchmark::Uprobe,
    Benchmark::Stream,
    Benchmark::Leases,
    Benchmark::Flows,
];

/// Runs the benchmarks that were asked for, all when none was.
///
/// # Errors
/// When the report cannot be written, or the sandbox that was started for it
/// cannot be removed.
pub fn run(arguments: &BenchArguments) -> Result<ExitCode> {
    let started = Instant::now();
    let mut bench =
        Bench { arguments, programs: Programs::default(), sandbox: None, is_own: false };
    // Compiling while measuring would measure the compiler.
    if let Err(error) = bench.programs.plugin() {
        say(&format!("error: {error:#}"));
    }
    let kubernetes = Status::take(&Layout::default())?.kubernetes;
    let machine = machine::describe(kubernetes.as_deref());
    let mut sections = Vec::new();
    for benchmark in ALL.into_iter().filter(|one| is_wanted(arguments, *one)) {
        say(&format!("---- {}", benchmark.name()));
        let section = bench.measure(benchmark);
        if let Err(reason) = &section.findings {
            say(&format!("\n==== NOT MEASURED {}: {reason} ====", section.name));
        }
        print(&format!("\n{}", section.render()));
        sections.push(section);
    }
    bench.leave()?;
    if arguments.write {
        let path = build::root().join(DOCUMENT);
        fs::write(&path, report::document(&machine, &sections, started.elapsed()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("{} is written", path.display()));
    }
    let failed = sections.iter().any(|section| section.findings.is_err());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn is_wanted(arguments: &BenchArguments, benchmark: Benchmark) -> bool {
    arguments.only.is_empty() || arguments.only.contains(&benchmark)
}

/// What the benchmarks share; each part is made when the first asks for it.
struct Bench<'a> {
    arguments: &'a BenchArguments,
    programs: Programs,
    sandbox: Option<Result<Sandbox, String>>,
    /// The sandbox was started here, and goes at the end.
    is_own: bool,
}

impl Bench<'_> {
    fn measure(&mut self, benchmark: Benchmark) -> Section {
        type Run = fn(&mut Bench<'_>) -> Result<Findings>;
        let (about, run): (&str, Run) = match benchmark {
            Benchmark::Start => (start::ABOUT, start::run),
            Benchmark::Help => (help::ABOUT, help::run),
            Benchmark::Size => (size::ABOUT, size::run),
            Benchmark::Idle => (idle::ABOUT, idle::run),
            Benchmark::Uprobe => (uprobe::ABOUT, uprobe::run),
            Benchmark::Stream => (stream::ABOUT, stream::run),
            Benchmark::Leases => (leases::ABOUT, leases::run),
            Benchmark::Flows => (flows::ABOUT, flows::run),
        };
        let findings = run(self).map_err(|error| format!("{error:#}"));
        Section { name: benchmark.name(), about: about.to_owned(), findings }
    }

    /// The release build of the plugin.
    fn plugin(&mut self) -> Result<PathBuf> {
        self.programs.plugin().map(|built| built.plugin.clone())
    }

    /// The sandbox that runs, or one of our own.
    fn sandbox(&mut self) -> Result<&Sandbox> {
        if self.sandbox.is_none() {
            let found = find_sandbox();
            self.is_own = matches!(found, Ok((_, true)));
            self.sandbox =
                Some(found.map(|(found, _)| found).map_err(|error| format!("{error:#}")));
        }
        match &self.sandbox {
            Some(Ok(sandbox)) => Ok(sandbox),
            Some(Err(reason)) => bail!("{reason}"),
            None => bail!("no sandbox"),
        }
    }

    /// The node to measure on.
    fn node(&mut self) -> Result<String> {
        let wanted = self.arguments.node.clone();
        let nodes = self.sandbox()?.nodes()?;
        match wanted {
            Some(wanted) if nodes.iter().any(|node| node.name == wanted) => Ok(wanted),
            Some(wanted) => bail!("the sandbox has no node {wanted:?}"),
            None => Ok(nodes.first().context("the sandbox has no node")?.name.clone()),
        }
    }

    /// The sandbox's kubectl, or the machine's where there is no sandbox.
    fn kubectl_program(&mut self) -> Result<PathBuf> {
        if let Ok(sandbox) = self.sandbox() {
            return Ok(sandbox.state()?.binaries.join("kubectl"));
        }
        packages::find("kubectl").context("there is neither a sandbox nor a kubectl in PATH")
    }

    fn leave(self) -> Result<()> {
        match self.sandbox {
            Some(Ok(sandbox)) if self.is_own => sandbox.down(),
            _ => Ok(()),
        }
    }
}

/// The sandbox, and whether it was started for this.
fn find_sandbox() -> Result<(Sandbox, bool)> {
    if !geteuid().is_root() {
        bail!("needs a sandbox, and that needs root");
    }
    let status = Status::take(&Layout::default())?;
    if status.running {
        return Ok((Sandbox::attach()?, false));
    }
    if status.components.iter().any(|one| one.alive) {
        bail!("a sandbox runs of which a part is dead; see `cargo xtask cluster status`");
    }
    Ok((Sandbox::up(&Options::default())?, true))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_benchmark_runs() {
        assert_eq!(ALL.as_slice(), Benchmark::value_variants());
    }
}
