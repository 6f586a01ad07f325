//! The image of the workload: busybox, socat and redis from Debian's packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cluster::debian::{Packages, Unpacked};
use crate::cluster::go_build::{cache_name, cache_root};
use crate::cluster::image::Image;
use crate::cluster::rootfs::Rootfs;

/// The packages in it. `redis-tools` has the server as well.
const PACKAGES: [&str; 3] = ["busybox-static", "redis-tools", "socat"];

/// Programs that need libraries, and their paths in the image. The server is a
/// program of several names.
const PROGRAMS: [(&str, &str); 3] = [
    ("usr/bin/redis-check-rdb", "usr/bin/redis-server"),
    ("usr/bin/redis-cli", "usr/bin/redis-cli"),
    ("usr/bin/socat", "usr/bin/socat"),
];

/// Changes whenever the same packages make another image.
const FORMAT: &str = "1";

/// The image's name.
pub const NAME: &str = "localhost/earthworm-workload:debian";

/// What its web server serves at `/`.
pub const PAGE: &str = "a page of the sandbox\n";

/// How many bytes its web server serves at `/large`.
pub const LARGE: usize = 64 << 10;

/// The image as an archive, made now when the cache does not have it. What is
/// in the cache is of the packages that Debian has today.
///
/// # Errors
/// When the packages cannot be had, or a file cannot be written.
pub fn ensure() -> Result<PathBuf> {
    let cache = cache_root()?.join("workload");
    let work = cache.join(format!(".work.{}", std::process::id()));
    let archive = make(&cache, &work);
    let _ = fs::remove_dir_all(&work);
    archive
}

fn make(cache: &Path, work: &Path) -> Result<PathBuf> {
    let packages = Packages::find(&PACKAGES, work)?;
    let name = cache_name(FORMAT, packages.files.join("\n").as_bytes());
    let archive = cache.join(format!("{name}.tar"));
    if archive.is_file() {
        return Ok(archive);
    }
    let image = Image {
        name: NAME,
        entrypoint: "/bin/busybox".to_owned(),
        user: None,
        rootfs: rootfs(&packages.unpack()?)?,
    };
    // Written aside: a broken archive is never taken for a whole one.
    let aside = work.join("image.tar");
    image.save(&aside)?;
    fs::rename(&aside, &archive).with_context(|| format!("cannot make {}", archive.display()))?;
    Ok(archive)
}

fn rootfs(packages: &Unpacked) -> Result<Rootfs> {
    let busybox = "bin/busybox";
    let mut rootfs = Rootfs::new();
    rootfs.file(busybox, &packages.read(busybox)?, 0o755)?;
    for applet in packages.run(busybox, &["--list"])?.lines() {
        if applet != "busybox" {
            rootfs.link(&format!("bin/{applet}"), "busybox")?;
        }
    }
    let mut libraries = Vec::new();
    for (program, path) in PROGRAMS {
        rootfs.file(path, &packages.read(program)?, 0o755)?;
        libraries.extend(packages.libraries(program)?);
    }
    libraries.sort();
    libraries.dedup();
    for (path, content) in libraries {
        rootfs.file(&path, &content, 0o755)?;
    }
    rootfs.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)?;
    rootfs.file("etc/group", b"root:x:0:\n", 0o644)?;
    rootfs.file("www/index.html", PAGE.as_bytes(), 0o644)?;
    rootfs.file("www/large", &vec![b'.'; LARGE], 0o644)?;
    rootfs.folder("tmp", 0o1777)?;
    Ok(rootfs)
}
