//! One file per subcommand.

pub mod completion;
pub mod pulse;
pub mod terminate;

use crate::cli::GlobalArgs;
use crate::cluster::connect::Target;

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
