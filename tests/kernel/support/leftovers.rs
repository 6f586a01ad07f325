//! Which kernel objects this process holds, and whether any outlived their owner.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// A program, map or link by the kernel's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Object {
    Program(u32),
    Map(u32),
    Link(u32),
}

/// All objects this process has a descriptor of.
pub(crate) fn held() -> BTreeSet<Object> {
    held_by("self")
}

/// The same of a process by its id, from `/proc/ID/fdinfo`.
pub(crate) fn held_by(process: &str) -> BTreeSet<Object> {
    let mut objects = BTreeSet::new();
    for entry in fs::read_dir(format!("/proc/{process}/fdinfo")).unwrap().flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        for line in text.lines() {
            let Some((name, id)) = line.split_once(':') else { continue };
            let Ok(id) = id.trim().parse() else { continue };
            objects.extend(match name {
                "prog_id" => Some(Object::Program(id)),
                "map_id" => Some(Object::Map(id)),
                "link_id" => Some(Object::Link(id)),
                _ => None,
            });
        }
    }
    objects
}

/// Fails when one of the objects still exists after the kernel had a second
/// to free it, or when this process still holds any.
pub(crate) fn assert_gone(objects: &BTreeSet<Object>) {
    assert_eq!(held(), BTreeSet::new(), "descriptors are left");
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let left: Vec<Object> = objects.iter().copied().filter(|object| exists(*object)).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{left:?} are left in the kernel");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for a descriptor by id, include/uapi/linux/bpf.h.
fn exists(object: Object) -> bool {
    let (command, id) = match object {
        Object::Program(id) => (13, id),
        Object::Map(id) => (14, id),
        Object::Link(id) => (30, id),
    };
    let attributes = [id, 0, 0, 0];
    // SAFETY: the attributes of these commands start with the id, and all
    // that follows is zero.
    let descriptor = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            attributes.as_ptr(),
            std::mem::size_of_val(&attributes),
        )
    };
    if let Ok(descriptor @ 0..) = i32::try_from(descriptor) {
        // SAFETY: the call returned a new descriptor that nobody else has.
        unsafe { libc::close(descriptor) };
        return true;
    }
    false
}
