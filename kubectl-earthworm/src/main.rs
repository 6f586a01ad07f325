//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_earthworm::run(std::env::args_os().collect()).into()
}
