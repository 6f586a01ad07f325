//! Programs of Debian packages, with the libraries that they need, for images:
//! downloaded and unpacked, and never installed on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::network::run;
use crate::packages;

/// For a machine that has nothing installed, and of which nothing is noted
/// down in the place of this one's.
const OPTIONS: [&str; 4] = [
    "Dir::State::status=/dev/null",
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    "APT::Sandbox::User=root",
];

/// What one line of `ld.so --list` names: where a program looks for a library,
/// and where that is now.
#[derive(Debug, PartialEq, Eq)]
struct Library {
    wanted: String,
    found: PathBuf,
}

/// Packages with all that they depend on.
#[derive(Debug)]
pub struct Packages<'a> {
    names: &'a [&'a str],
    folder: &'a Path,
    /// The files as the archive names them, with their versions.
    pub files: Vec<String>,
}

impl<'a> Packages<'a> {
    /// Asks `apt-get` what the packages depend on. The folder is this value's
    /// for as long as it lives; the caller removes it.
    ///
    /// # Errors
    /// When this is no Debian, or it does not know the packages.
    pub fn find(names: &'a [&'a str], folder: &'a Path) -> Result<Self> {
        if packages::find("apt-get").is_none() {
            bail!("this needs apt-get, to download what Debian calls {}", names.join(" "));
        }
        let partial = folder.join("archives/partial");
        fs::create_dir_all(&partial)
            .with_context(|| format!("cannot make {}", partial.display()))?;
        let mut found = Packages { names, folder, files: Vec::new() };
        let listing = found.apt_get("--print-uris").or_else(|_| {
            // A fresh machine has no lists of packages.
            run("apt-get", &["--quiet", "update"])?;
            found.apt_get("--print-uris")
        })?;
        found.files = parse_listing(&listing);
        Ok(found)
    }

    /// Downloads and unpacks all of them.
    ///
    /// # Errors
    /// When a package cannot be had or unpacked.
    pub fn unpack(&self) -> Result<Unpacked> {
        self.apt_get("--download-only")?;
        let root = self.folder.join("root");
        for file in &self.files {
            let file = self.folder.join("archives").join(file);
            run("dpkg-deb", &["-x", text(&file)?, text(&root)?])?;
        }
        Unpacked::at(root)
    }

    /// `apt-get install` on a machine that has nothing, so that every
    /// dependency counts, and that gets nothing.
    fn apt_get(&self, operation: &str) -> Result<String> {
        let archives = format!("Dir::Cache::archives={}", self.folder.join("archives").display());
        let mut arguments = vec!["--quiet", "--yes", "--no-install-recommends"];
        for option in OPTIONS.into_iter().chain([archives.as_str()]) {
            arguments.extend(["-o", option]);
        }
        arguments.extend(["install", operation]);
        arguments.extend(self.names);
        run("apt-get", &arguments)
    }
}

/// Packages in a folder.
#[derive(Debug)]
pub struct Unpacked {
    root: PathBuf,
    /// The program that finds libraries.
    loader: PathBuf,
}

impl Unpacked {
    fn at(root: PathBuf) -> Result<Self> {
        // Not the one that programs name: that is a link to this machine's own.
        let loader = fs::read_dir(root.join("lib").join(triple()))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().contains("/ld-linux-"))
            .context("the C library's package has no ld-linux")?;
        Ok(Unpacked { root, loader })
    }

    /// The content of a file, by its path from the root.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let path = self.root.join(path);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The libraries of a program, each with the path, from the root, at which
    /// it looks for it.
    ///
    /// # Errors
    /// When one is missing.
    pub fn libraries(&self, program: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let folders = self.library_folders()?;
        let program = self.root.join(program);
        let arguments = ["--library-path", &folders, "--list", text(&program)?];
        let listing = run(text(&self.loader)?, &arguments)?;
        let mut libraries = Vec::new();
        for library in parse_libraries(&listing) {
            let path = match library.found.strip_prefix(&self.root) {
                // The loader itself is asked for by its whole path.
                _ if library.wanted.starts_with('/') => library.wanted[1..].to_owned(),
                Ok(path) => path.display().to_string(),
                Err(_) => bail!("no package has {}", library.wanted),
            };
            let content = fs::read(&library.found)
                .with_context(|| format!("cannot read {}", library.found.display()))?;
            libraries.push((path, content));
        }
        Ok(libraries)
    }

    /// Runs one of the programs, which needs no library.
    ///
    /// # Errors
    /// With its words when it fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        run(text(&self.root.join(program))?, arguments)
    }

    /// Where Debian keeps libraries, in the form of a search path.
    fn library_folders(&self) -> Result<String> {
        let folders = ["lib", "usr/lib"].map(|folder| self.root.join(folder).join(triple()));
        Ok(format!("{}:{}", text(&folders[0])?, text(&folders[1])?))
    }
}

/// What Debian calls this machine's processor in paths.
fn triple() -> String {
    format!("{}-linux-gnu", std::env::consts::ARCH)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

/// One line per file: `'address' name size hash`, among others.
fn parse_listing(listing: &str) -> Vec<String> {
    let mut files: Vec<String> = listing
        .lines()
        .filter(|line| line.starts_with('\''))
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect();
    files.sort();
    files
}

/// One line per library: `name => path (address)`. The kernel's own has no path.
fn parse_libraries(listing: &str) -> Vec<Library> {
    let parse = |line: &str| {
        let (wanted, rest) = line.trim().split_once(" => ")?;
        let found = rest.rsplit_once(" (").map_or(rest, |(path, _)| path);
        Some(Library { wanted: wanted.to_owned(), found: PathBuf::from(found) })
    };
    listing.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_their_addresses() {
        let listing = "Reading package lists...\n\
             'http://mirror.example/debian/pool/main/s/socat_1.7.4.4-2_amd64.deb' \
             socat_1.7.4.4-2_amd64.deb 375188 SHA256:aa\n\
             'http://mirror.example/x' libc6_2.36-9_amd64.deb 1 SHA256:bb\n";
        assert_eq!(parse_listing(listing), ["libc6_2.36-9_amd64.deb", "socat_1.7.4.4-2_amd64.deb"]);
    }

    #[test]
    fn libraries_are_told_with_their_places() {
        let listing = "\tlinux-vdso.so.1 (0x00007f03aeff7000)\n\
             \tlibm.so.6 => /r/lib/libm.so.6 (0x00007f03aeeff000)\n\
             \t/lib64/ld-linux-x86-64.so.2 => /r/lib64/ld-linux-x86-64.so.2 (0x0)\n\
             \tlibx.so.1 => not found\n";
        let library = |wanted: &str, found: &str| Library {
            wanted: wanted.to_owned(),
            found: PathBuf::from(found),
        };
        assert_eq!(
            parse_libraries(listing),
            [
                library("libm.so.6", "/r/lib/libm.so.6"),
                library("/lib64/ld-linux-x86-64.so.2", "/r/lib64/ld-linux-x86-64.so.2"),
                library("libx.so.1", "not found"),
            ]
        );
    }
}
