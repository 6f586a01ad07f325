//! Puts the probe and its launcher into the plugin.
//!
//! On Linux both are built here, by a cargo inside cargo, for the architecture of
//! this machine. Others (and all, when the machine is no Linux) come ready-made:
//!
//! - `EARTHWORM_PROBES=<folder>` holds `<arch>/launcher` and `<arch>/probe.zst` for
//!   `x86_64`, `aarch64` or both; what is found there is not built.
//! - `EARTHWORM_SKIP_PROBE=1` embeds nothing: the plugin compiles fast and says so
//!   when it would need a probe.

#[path = "build/nested_cargo.rs"]
mod nested_cargo;
#[path = "src/payload/hash.rs"]
mod payload_hash;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nested_cargo::{Failure, NestedCargo};

/// Must not exceed what the launcher is ready to keep in memory (2 MiB).
const WINDOW_LOG: u32 = 21;

/// The best compression that does not need a larger window.
const COMPRESSION_LEVEL: i32 = 19;

/// The launcher travels with every session.
const LAUNCHER_MAX_BYTES: usize = 64 * 1024;

/// An architecture that nodes have.
struct Architecture {
    /// As in a target triple.
    rust_name: &'static str,
    /// As in a Node's status.
    kubernetes_name: &'static str,
    /// `e_machine` of its ELF files.
    elf_machine: u16,
}

const ARCHITECTURES: [Architecture; 2] = [
    Architecture { rust_name: "x86_64", kubernetes_name: "amd64", elf_machine: 62 },
    Architecture { rust_name: "aarch64", kubernetes_name: "arm64", elf_machine: 183 },
];

/// Launcher and probe, the latter both ways.
struct Files {
    launcher: Vec<u8>,
    compressed: Vec<u8>,
    unpacked_bytes: usize,
}

fn main() -> ExitCode {
    let Err(failure) = run() else { return ExitCode::SUCCESS };
    for line in failure.message.lines() {
        println!("cargo::error={line}");
    }
    // On success cargo shows nothing but the lines above, and fails the build with
    // them. On failure it shows everything this script has said, and they drown.
    if failure.needs_details { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run() -> Result<(), Failure> {
    println!("cargo::rerun-if-env-changed=EARTHWORM_PROBES");
    println!("cargo::rerun-if-env-changed=EARTHWORM_SKIP_PROBE");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/payload/hash.rs");

    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut generated = String::from("static PAYLOADS: &[Payload] = &[\n");
    if !is_skipped() {
        let prebuilt = env::var_os("EARTHWORM_PROBES").map(PathBuf::from);
        for architecture in &ARCHITECTURES {
            let folder = out.join(architecture.rust_name);
            fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
            if let Some(files) = obtain(architecture, prebuilt.as_deref(), &folder)? {
                embed(architecture, &files, &folder, &mut generated)?;
            }
        }
    }
    generated.push_str("];\n");
    write_if_changed(&out.join("payloads.rs"), generated.as_bytes())
}

fn is_skipped() -> bool {
    env::var("EARTHWORM_SKIP_PROBE").is_ok_and(|value| !matches!(value.as_str(), "" | "0"))
}

/// Ready-made files first, then those that this machine can build.
fn obtain(
    architecture: &Architecture,
    prebuilt: Option<&Path>,
    out: &Path,
) -> Result<Option<Files>, Failure> {
    if let Some(prebuilt) = prebuilt {
        println!("cargo::rerun-if-changed={}", prebuilt.display());
        let folder = prebuilt.join(architecture.rust_name);
        if folder.exists() {
            return take_prebuilt(architecture, &folder).map(Some);
        }
    }
    let host = variable("HOST")?;
    if host.starts_with(&format!("{}-", architecture.rust_name)) && host.contains("-linux-") {
        return build(architecture, &host, out).map(Some);
    }
    Ok(None)
}

fn take_prebuilt(architecture: &Architecture, folder: &Path) -> Result<Files, Failure> {
    let launcher = read(&folder.join("launcher"))?;
    check_elf(architecture, &launcher, &folder.join("launcher"))?;
    let path = folder.join("probe.zst");
    let compressed = read(&path)?;
    let probe = decompress(&compressed).map_err(|error| at(&path, &error))?;
    check_elf(architecture, &probe, &path)?;
    Ok(Files { launcher, compressed, unpacked_bytes: probe.len() })
}

fn build(architecture: &Architecture, host: &str, out: &Path) -> Result<Files, Failure> {
    let plugin = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = plugin.parent().ok_or_else(|| "the plugin's folder has no parent".to_owned())?;
    let launcher_root = root.join("probe-image/launcher");
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "ebpf",
        "wire/src",
        "wire/Cargo.toml",
        "probe-image/src",
        "probe-image/Cargo.toml",
        "probe-image/launcher/src",
        "probe-image/launcher/build.rs",
        "probe-image/launcher/Cargo.toml",
        "probe-image/launcher/Cargo.lock",
        "probe-image/launcher/.cargo/config.toml",
    ] {
        let path = root.join(path);
        // Cargo runs this script again and again for a path that does not exist.
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }

    // The kernel programs' compiler.
    println!("cargo::rerun-if-env-changed=CLANG");

    let cargo = NestedCargo::from_environment()?;
    let launcher = cargo.build(&nested_cargo::Build {
        folder: &launcher_root,
        package: "earthworm-launcher",
        profile: "release",
        target: host,
        rustflags: None,
        target_folder: "launcher",
    })?;
    let probe = cargo.build(&nested_cargo::Build {
        folder: root,
        package: "earthworm-probe",
        profile: "probe",
        target: host,
        rustflags: Some("-C target-feature=+crt-static"),
        target_folder: "probe",
    })?;

    let probe_bytes = read(&probe)?;
    check_elf(architecture, &probe_bytes, &probe)?;
    Ok(Files {
        launcher: read(&launcher)?,
        compressed: compress_when_changed(&probe_bytes, out)?,
        unpacked_bytes: probe_bytes.len(),
    })
}

/// Compresses, unless these very bytes were compressed last time: this takes
/// seconds, because build scripts and what they use are not optimised.
fn compress_when_changed(probe: &[u8], out: &Path) -> Result<Vec<u8>, Failure> {
    let last_path = out.join("last-probe");
    let compressed_path = out.join("last-probe.zst");
    if fs::read(&last_path).is_ok_and(|last| last == probe)
        && let Ok(compressed) = fs::read(&compressed_path)
        && decompress(&compressed).is_ok_and(|unpacked| unpacked == probe)
    {
        return Ok(compressed);
    }
    let compressed = compress(probe).map_err(|error| format!("cannot compress: {error}"))?;
    write_if_changed(&compressed_path, &compressed)?;
    write_if_changed(&last_path, probe)?;
    Ok(compressed)
}

fn compress(probe: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.include_checksum(true)?;
    encoder.include_contentsize(true)?;
    encoder.set_pledged_src_size(Some(probe.len() as u64))?;
    io::Write::write_all(&mut encoder, probe)?;
    encoder.finish()
}

/// Also proves what the launcher needs: a small window and an intact frame.
fn decompress(compressed: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::Decoder::with_buffer(compressed)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut probe = Vec::new();
    io::Read::read_to_end(&mut decoder, &mut probe)?;
    Ok(probe)
}

fn embed(
    architecture: &Architecture,
    files: &Files,
    folder: &Path,
    generated: &mut String,
) -> Result<(), Failure> {
    let Architecture { rust_name, kubernetes_name, .. } = architecture;
    if files.launcher.len() > LAUNCHER_MAX_BYTES {
        return Err(format!(
            "the launcher for {rust_name} has {} bytes, more than {LAUNCHER_MAX_BYTES}",
            files.launcher.len(),
        )
        .into());
    }
    write_if_changed(&folder.join("launcher"), &files.launcher)?;
    write_if_changed(&folder.join("probe.zst"), &files.compressed)?;
    let hash = payload_hash::content_hash(&files.launcher, &files.compressed);
    write!(
        generated,
        "    Payload {{\n        \
             architecture: {kubernetes_name:?},\n        \
             launcher: include_bytes!(\"{rust_name}/launcher\"),\n        \
             probe: include_bytes!(\"{rust_name}/probe.zst\"),\n        \
             probe_unpacked_bytes: {},\n        \
             hash: {hash:?},\n    \
         }},\n",
        files.unpacked_bytes,
    )
    .map_err(|error| error.to_string().into())
}

fn check_elf(architecture: &Architecture, bytes: &[u8], path: &Path) -> Result<(), Failure> {
    let machine = bytes.get(18..20).map(|field| u16::from_le_bytes([field[0], field[1]]));
    if bytes.starts_with(b"\x7fELF") && machine == Some(architecture.elf_machine) {
        Ok(())
    } else {
        Err(format!("{}: not an ELF program for {}", path.display(), architecture.rust_name).into())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read(path).map_err(|error| at(path, &error))
}

/// Leaves the time stamp alone when nothing is new, so that rustc is not asked to
/// embed the same bytes again.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).map_err(|error| at(path, &error))
}

fn variable(name: &str) -> Result<String, Failure> {
    env::var(name).map_err(|error| format!("environment variable {name}: {error}").into())
}

fn at(path: &Path, error: &io::Error) -> Failure {
    Failure::from(format!("{}: {error}", path.display()))
}
