//! A cargo inside cargo: builds the programs that travel to the node.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many lines of a failing build are looked through for its reason.
const REMEMBERED_LINES: usize = 400;

/// One program to build.
pub(crate) struct Build<'a> {
    /// The folder of the package or of the workspace; its `.cargo/config.toml`
    /// applies.
    pub(crate) folder: &'a Path,
    /// The package, which has a binary of the same name.
    pub(crate) package: &'a str,
    /// The profile, whatever the plugin itself is built with.
    pub(crate) profile: &'a str,
    /// The target triple.
    pub(crate) target: &'a str,
    /// Replaces the flags of all configuration files.
    pub(crate) rustflags: Option<&'a str>,
    /// Where it builds, below the plugin's own target folder.
    pub(crate) target_folder: &'a str,
}

/// Why there is nothing to embed.
pub(crate) struct Failure {
    /// For a human: what, and what to do.
    pub(crate) message: String,
    /// Whether the message alone does not tell enough: a compiler had more to say.
    pub(crate) needs_details: bool,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, needs_details: false }
    }
}

/// The cargo that runs this script, and where it builds.
pub(crate) struct NestedCargo {
    program: OsString,
    target_root: PathBuf,
}

impl NestedCargo {
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let out =
            PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| "OUT_DIR is not set".to_owned())?);
        // The target folder is the one that cargo has marked as such. Where it does
        // not (an old or a future cargo), it is the one that holds
        // `<profile>/build/<package>/out`.
        let target_root = out
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").exists())
            .or_else(|| out.ancestors().nth(4))
            .ok_or_else(|| "OUT_DIR is not within a target folder".to_owned())?
            .to_owned();
        Ok(Self { program, target_root })
    }

    /// Builds, and returns the program's path.
    ///
    /// It has a target folder of its own: the outer cargo holds the lock on its own
    /// one until this script has ended.
    ///
    /// # Errors
    /// With the reason as the last line.
    pub(crate) fn build(&self, build: &Build<'_>) -> Result<PathBuf, Failure> {
        let target_folder = self.target_root.join(build.target_folder);
        let mut command = Command::new(&self.program);
        for (name, _) in env::vars_os() {
            if !is_inherited(&name) {
                command.env_remove(name);
            }
        }
        command
            .current_dir(build.folder)
            .args(["build", "--profile", build.profile, "--target", build.target])
            .args(["--package", build.package, "--bin", build.package])
            .arg("--target-dir")
            .arg(&target_folder)
            // A build folder from a configuration file would be shared with the
            // outer cargo, and with it the lock.
            .env("CARGO_BUILD_BUILD_DIR", &target_folder)
            .stdin(Stdio::null())
            // Its standard output would be read as instructions to the outer cargo.
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if build.folder.join("Cargo.lock").exists() {
            command.arg("--locked");
        }
        if let Some(rustflags) = build.rustflags {
            command.env("RUSTFLAGS", rustflags);
        }

        let what = || format!("cannot build {}", build.package);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {}: {error}", what(), self.program.display()))?;
        let mut lines = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            // Not `lines()`: a compiler's words need not be UTF-8.
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                // Cargo shows it when this script fails.
                #[expect(clippy::print_stderr, reason = "a build script talks to cargo")]
                {
                    eprintln!("{line}");
                }
                if lines.len() == REMEMBERED_LINES {
                    lines.remove(0);
                }
                lines.push(line);
            }
        }
        let status = child.wait().map_err(|error| format!("{}: {error}", what()))?;
        if !status.success() {
            let failure = reason(&lines);
            return Err(Failure { message: format!("{}: {}", what(), failure.message), ..failure });
        }
        let program = target_folder.join(build.target).join(build.profile).join(build.package);
        Ok(program)
    }
}

/// What the nested cargo may know of its surroundings: not the package, the flags
/// and the wrappers of the outer one, which would make it build something else, or
/// the same thing again after every change of the plugin's own settings.
fn is_inherited(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return true;
    };
    const KEPT_PREFIXES: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP_",
        "CARGO_MAKEFLAGS",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    if name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER") {
        return true;
    }
    if name.starts_with("CARGO_") {
        return KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    }
    let is_build_script = matches!(
        name,
        "DEBUG" | "HOST" | "NUM_JOBS" | "OPT_LEVEL" | "OUT_DIR" | "PROFILE" | "TARGET"
    );
    let is_flag = name.starts_with("RUSTC_")
        || matches!(name, "CLIPPY_ARGS" | "RUSTDOC" | "RUSTDOCFLAGS" | "RUSTFLAGS");
    !is_build_script && !is_flag
}

/// The line that tells a human what to do.
///
/// A message of a build script (`error: <package>@<version>: <message>`: a missing
/// compiler, for example) was written for that and is enough. Otherwise it is the
/// first error, and what surrounds it matters; cargo's own summary, the last one,
/// says less than either.
fn reason(lines: &[String]) -> Failure {
    let from_build_script = lines.iter().find_map(|line| {
        let (origin, message) = line.strip_prefix("error: ")?.split_once(": ")?;
        (origin.contains('@') && !origin.contains(' ')).then_some(message)
    });
    if let Some(message) = from_build_script {
        return Failure::from(message.to_owned());
    }
    let first_error = lines.iter().find(|line| line.starts_with("error"));
    Failure {
        message: first_error.map_or("see below", String::as_str).to_owned(),
        needs_details: true,
    }
}
