//! Compiles every `*.bpf.c` of this folder for the architecture the crate is
//! built for, with debug information reduced to BTF.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Newest and oldest major version of clang that are looked for by name.
const CLANG_VERSIONS: std::ops::RangeInclusive<u32> = 12..=23;

fn main() {
    if let Err(message) = build() {
        // One line: cargo shows a build script's panic as a page of backtrace.
        println!("cargo::error={message}");
    }
}

fn build() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=CLANG");
    println!("cargo::rerun-if-changed=include");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let architecture = match variable("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        // Nothing is loaded on other machines; the objects only have to exist
        // for the plugin's crates to build there.
        _ => "x86",
    };
    let clang = find_clang()?;
    for source in sources()? {
        println!("cargo::rerun-if-changed={}", source.display());
        let name = source.file_name().unwrap_or_default().to_string_lossy().replace(".c", ".o");
        let object = out.join(name);
        compile(&clang, &source, &object, architecture)?;
        strip(&clang, &object);
    }
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("cargo did not set {name}: {error}"))
}

fn sources() -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(".").map_err(|error| format!("cannot list ebpf/: {error}"))?;
    let mut sources: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".bpf.c"))
        .collect();
    sources.sort();
    Ok(sources)
}

/// `$CLANG`, else `clang`, else the newest `clang-NN`, else Homebrew's, which
/// unlike Apple's own can compile for BPF.
fn find_clang() -> Result<String, String> {
    if let Ok(clang) = env::var("CLANG") {
        return if compiles_bpf(&clang) {
            Ok(clang)
        } else {
            Err(format!("CLANG={clang} is not a clang that compiles for bpf"))
        };
    }
    let mut candidates = vec!["clang".to_owned()];
    candidates.extend(CLANG_VERSIONS.rev().map(|version| format!("clang-{version}")));
    candidates.push("/opt/homebrew/opt/llvm/bin/clang".to_owned());
    candidates.push("/usr/local/opt/llvm/bin/clang".to_owned());
    candidates.into_iter().find(|candidate| compiles_bpf(candidate)).ok_or_else(|| {
        "no clang that compiles for bpf: `apt-get install clang` (Debian, Ubuntu), \
         `brew install llvm` (macOS), or set CLANG"
            .to_owned()
    })
}

fn compiles_bpf(clang: &str) -> bool {
    Command::new(clang)
        .arg("--print-targets")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("bpf"))
}

fn compile(clang: &str, source: &Path, object: &Path, architecture: &str) -> Result<(), String> {
    let status = Command::new(clang)
        .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Wextra", "-Werror"])
        // Paths of the building machine do not belong in what is sent to nodes.
        .arg("-fdebug-compilation-dir=.")
        .arg(format!("-D__TARGET_ARCH_{architecture}"))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object)
        .status()
        .map_err(|error| format!("cannot start {clang}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{clang} failed on ebpf/{}", source.display()))
    }
}

/// Drops DWARF, which only makes the object larger; BTF stays. Without the
/// tool the object is merely larger.
fn strip(clang: &str, object: &Path) {
    let beside_clang = Command::new(clang)
        .arg("-print-prog-name=llvm-strip")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    for tool in [beside_clang.as_str(), "llvm-strip"] {
        if !tool.is_empty()
            && Command::new(tool).arg("-g").arg(object).status().is_ok_and(|s| s.success())
        {
            return;
        }
    }
}
