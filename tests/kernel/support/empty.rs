//! A program that does nothing, at the place of a real one: what any user probe
//! costs.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use earthworm_probe::gobin::{FunctionCache, GoBinary, Pattern};
use earthworm_probe::uprobe;

/// Commands and constants of include/uapi/linux/bpf.h.
const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_LINK_CREATE: libc::c_long = 28;
const BPF_PROG_TYPE_KPROBE: u32 = 2;
const BPF_TRACE_UPROBE_MULTI: u32 = 48;

/// `r0 = 0; exit`, 8 bytes each.
const NOTHING: [u64; 2] = [0xb7, 0x95];

/// `union bpf_attr`, as far as it is used.
#[repr(C)]
#[derive(Default)]
struct Load {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    unused: [u32; 11],
    expected_attach_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct Link {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    path: u64,
    offsets: u64,
    reference_counters: u64,
    cookies: u64,
    count: u32,
    multi_flags: u32,
    pid: u32,
    padding: u32,
}

/// The program at its place; gone when dropped.
pub(crate) struct Empty {
    _link: OwnedFd,
    _program: OwnedFd,
}

impl Empty {
    /// At the start of this function of a running Go program, exactly where the
    /// probe puts its own.
    pub(crate) fn attach(pid: u32, function: &str) -> Self {
        assert_eq!(std::mem::offset_of!(Load, expected_attach_type), 68);
        let path = format!("/proc/{pid}/exe");
        let file = File::open(&path).unwrap();
        let binary = GoBinary::open(&file).unwrap();
        let functions = FunctionCache::new(1).find(&binary, &[Pattern::from(function)]).unwrap();
        let found = functions.iter().next().unwrap();
        let offsets = [uprobe::once_per_call(&file, &found.entry(&file).unwrap()).unwrap()];

        let program = bpf(
            BPF_PROG_LOAD,
            &Load {
                program_type: BPF_PROG_TYPE_KPROBE,
                instruction_count: 2,
                instructions: NOTHING.as_ptr() as u64,
                license: c"GPL".as_ptr() as u64,
                expected_attach_type: BPF_TRACE_UPROBE_MULTI,
                ..Load::default()
            },
        );
        let path = CString::new(path).unwrap();
        let link = bpf(
            BPF_LINK_CREATE,
            &Link {
                program: u32::try_from(program.as_raw_fd()).unwrap(),
                attach_type: BPF_TRACE_UPROBE_MULTI,
                path: path.as_ptr() as u64,
                offsets: offsets.as_ptr() as u64,
                count: 1,
                pid,
                ..Link::default()
            },
        );
        Self { _link: link, _program: program }
    }
}

fn bpf<T>(command: libc::c_long, attributes: &T) -> OwnedFd {
    // SAFETY: the attributes have the layout of the command, the kernel only
    // reads them, and what they point to outlives the call.
    let descriptor = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>())
    };
    assert!(descriptor >= 0, "bpf({command}): {}", std::io::Error::last_os_error());
    // SAFETY: both commands return a new descriptor that nobody else owns.
    unsafe { OwnedFd::from_raw_fd(i32::try_from(descriptor).unwrap()) }
}
