//! One file per subcommand.

pub mod completion;
pub mod pulse;
mod start;
pub mod terminate;
pub mod top;

use crate::cli::GlobalArgs;
use crate::cluster::connect::Target;
use crate::signal::Problem;
use tokio::runtime;

/// Which cluster the global flags mean.
#[must_use]
pub fn target(global: &GlobalArgs) -> Target {
    Target {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        namespace: global.namespace.clone(),
        impersonate: global.impersonate.clone(),
        impersonate_groups: global.impersonate_groups.clone(),
    }
}

/// Threads for probes: one for what they send, one for the rest.
fn two_threads() -> runtime::Builder {
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(2);
    builder
}

fn no_threads(error: std::io::Error) -> Problem {
    Problem { reason: "runtime", message: format!("cannot start threads: {error}"), hint: None }
}
