//! Tests on executables that a real Go toolchain builds while they run.
//!
//! They need `go` in the path and say so when it is missing. More releases
//! are tried when `EARTHWORM_TEST_GO` names their `go` commands, separated by
//! colons; the table layouts before Go 1.26 are only covered that way.

mod hostile;
mod kubelet;
mod variants;

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::*;

/// A program with a method worth probing, frames of every size class and
/// several returns.
const PROGRAM: &str = r#"package main

import (
	"errors"
	"fmt"
	"os"
)

type Controller struct {
	beats int
	names []string
}

//go:noinline
func (c *Controller) Sync(name string, limit int) (int, error) {
	if name == "" {
		return 0, errors.New("no name")
	}
	for i := 0; i < limit; i++ {
		c.names = append(c.names, fmt.Sprint(name, i))
		if len(c.names) > 100 {
			return len(c.names), nil
		}
	}
	c.beats++
	return c.beats, nil
}

//go:noinline
func MediumFrame(c *Controller) int {
	var buffer [64]int
	for i := range buffer {
		buffer[i], _ = c.Sync("medium", i)
	}
	return buffer[7] + buffer[len(c.names)%64]
}

//go:noinline
func LargeFrame(c *Controller) int {
	var buffer [4000]byte
	for i := range buffer {
		n, _ := c.Sync("large", i%3)
		buffer[i] = byte(n)
	}
	return int(buffer[len(c.names)%4000])
}

//go:noinline
func WithoutStackCheck(a, b int) int {
	return a + b
}

func main() {
	c := &Controller{}
	fmt.Fprintln(os.Stderr, MediumFrame(c), LargeFrame(c), WithoutStackCheck(len(os.Args), answer()))
}
"#;
const ANSWER_IN_GO: &str = "package main\n\n//go:noinline\nfunc answer() int { return 42 }\n";
const ANSWER_IN_C: &str = "package main\n\n// static int answer(void) { return 42; }\nimport \"C\"\n\nfunc answer() int { return int(C.answer()) }\n";

/// How to build: which environment and flags.
#[derive(Debug, Clone, Copy)]
struct Variant {
    architecture: Architecture,
    pie: bool,
    cgo: bool,
    linker_flags: &'static str,
}

const PLAIN: Variant =
    Variant { architecture: Architecture::Amd64, pie: false, cgo: false, linker_flags: "" };

/// A `go` command.
#[derive(Debug, Clone)]
struct Toolchain {
    go: PathBuf,
    minor: u32,
}

impl Toolchain {
    /// The one in the path, and those of `EARTHWORM_TEST_GO`.
    fn all() -> Vec<Self> {
        let more = std::env::var_os("EARTHWORM_TEST_GO").unwrap_or_default();
        let commands = std::iter::once(PathBuf::from("go")).chain(std::env::split_paths(&more));
        commands.filter(|go| !go.as_os_str().is_empty()).filter_map(Self::try_new).collect()
    }

    fn first() -> Option<Self> {
        Self::all().into_iter().next()
    }

    fn try_new(go: PathBuf) -> Option<Self> {
        let unknown = Self { go, minor: 0 };
        let go = &unknown.go;
        let output = match unknown.command(Path::new("/")).arg("version").output() {
            Ok(output) if output.status.success() => output,
            _ => {
                eprintln!("SKIPPED: {} does not run, no executable was read", go.display());
                return None;
            }
        };
        let text = String::from_utf8(output.stdout).expect("go version prints text");
        let version = GoVersion::parse(text.trim_start_matches("go version")).expect("a version");
        Some(Self { minor: version.minor, ..unknown })
    }

    /// Builds the program; the executable lives as long as the folder does.
    fn build(&self, folder: &TempDir, variant: Variant, strip: bool) -> PathBuf {
        let source = folder.path();
        std::fs::write(source.join("go.mod"), "module example.org/heart\n\ngo 1.15\n").unwrap();
        std::fs::write(source.join("main.go"), PROGRAM).unwrap();
        let answer = if variant.cgo { ANSWER_IN_C } else { ANSWER_IN_GO };
        std::fs::write(source.join("answer.go"), answer).unwrap();
        let output = source.join(if strip { "stripped" } else { "whole" });
        let flags = [variant.linker_flags, if strip { "-s -w" } else { "" }].join(" ");
        let mut command = self.command(source);
        command
            .args(["build", "-trimpath", "-ldflags", flags.trim()])
            .arg(if variant.pie { "-buildmode=pie" } else { "-buildmode=exe" })
            .arg("-o")
            .arg(&output)
            .arg(".")
            .env("CGO_ENABLED", if variant.cgo { "1" } else { "0" })
            .env("GOOS", "linux")
            .env(
                "GOARCH",
                match variant.architecture {
                    Architecture::Amd64 => "amd64",
                    Architecture::Arm64 => "arm64",
                },
            );
        run(&mut command);
        output
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.go);
        // The flags of the machine may be unknown to an old release, and a
        // newer toolchain must not take over.
        command.current_dir(folder).env("GOTOOLCHAIN", "local");
        command.env("GOENV", "off").env_remove("GOFLAGS");
        command
    }

    /// All functions by the symbol table: name, address and size.
    fn nm(&self, executable: &Path) -> Vec<(String, u64, u64)> {
        let mut command = self.command(Path::new("/"));
        let text = run(command.args(["tool", "nm", "-size"]).arg(executable));
        let functions = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let size = words.next()?.parse().ok()?;
            let code = matches!(words.next()?, "T" | "t");
            (code && size > 0).then(|| (words.collect::<Vec<_>>().join(" "), address, size))
        });
        functions.collect()
    }

    /// Addresses of the `RET` instructions of a function, by Go's disassembler.
    fn objdump_returns(&self, executable: &Path, symbol: &str) -> Vec<u64> {
        let expression = format!("^{}$", symbol.replace(['(', ')', '*', '.'], "."));
        let mut command = self.command(Path::new("/"));
        let text = run(command.args(["tool", "objdump", "-s", &expression]).arg(executable));
        let lines = text.lines().filter(|line| {
            line.split_whitespace().nth(3).is_some_and(|instruction| instruction == "RET")
        });
        lines
            .map(|line| {
                let address = line.split_whitespace().nth(1).expect("an address");
                u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap()
            })
            .collect()
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn open(path: impl AsRef<OsStr>) -> (File, GoBinary) {
    let file = File::open(Path::new(&path)).unwrap();
    let binary = GoBinary::open(&file).unwrap();
    (file, binary)
}

fn patterns(names: &[&str]) -> Vec<Pattern> {
    names.iter().copied().map(Pattern::from).collect()
}
