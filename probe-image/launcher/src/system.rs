//! The system calls the launcher makes, without a libc in between.

use core::arch::asm;
use core::ffi::CStr;

/// A system call's error number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub u16);

impl Errno {
    pub const PERM: Self = Self(1);
    pub const NOENT: Self = Self(2);
    pub const INTR: Self = Self(4);
    pub const ACCES: Self = Self(13);
    pub const INVAL: Self = Self(22);
    pub const NOSYS: Self = Self(38);

    /// The name from errno(3) of those errors that a launch can meet.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "EPERM",
            2 => "ENOENT",
            5 => "EIO",
            8 => "ENOEXEC",
            12 => "ENOMEM",
            13 => "EACCES",
            17 => "EEXIST",
            20 => "ENOTDIR",
            21 => "EISDIR",
            22 => "EINVAL",
            26 => "ETXTBSY",
            27 => "EFBIG",
            28 => "ENOSPC",
            30 => "EROFS",
            38 => "ENOSYS",
            _ => return None,
        })
    }
}

/// An open file, closed when it goes out of scope.
pub struct FileDescriptor(i32);

impl Drop for FileDescriptor {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own.
        let _ = unsafe { call(number::CLOSE, [self.0 as usize, 0, 0, 0, 0, 0]) };
    }
}

#[cfg(target_arch = "x86_64")]
mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const MMAP: usize = 9;
    pub const MUNMAP: usize = 11;
    pub const MREMAP: usize = 25;
    pub const EXECVE: usize = 59;
    pub const FCHMOD: usize = 91;
    pub const EXIT_GROUP: usize = 231;
    pub const OPENAT: usize = 257;
    pub const UNLINKAT: usize = 263;
    pub const MEMFD_CREATE: usize = 319;
    pub const EXECVEAT: usize = 322;
}

// include/uapi/asm-generic/unistd.h
#[cfg(target_arch = "aarch64")]
mod number {
    pub const UNLINKAT: usize = 35;
    pub const FCHMOD: usize = 52;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const EXIT_GROUP: usize = 94;
    pub const MUNMAP: usize = 215;
    pub const MREMAP: usize = 216;
    pub const EXECVE: usize = 221;
    pub const MMAP: usize = 222;
    pub const MEMFD_CREATE: usize = 279;
    pub const EXECVEAT: usize = 281;
}

/// Enters the kernel. A return value in `-4095..0` is an error number.
///
/// # Safety
/// The arguments must be what the call `number` expects; pointers among them must
/// be valid for what the kernel does with them.
#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel changes rax, rcx and r11 and no other register.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack, preserves_flags),
        );
    }
    decode(result)
}

/// Enters the kernel. A return value in `-4095..0` is an error number.
///
/// # Safety
/// The arguments must be what the call `number` expects; pointers among them must
/// be valid for what the kernel does with them.
#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, arguments: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel changes x0 and no other register.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") arguments[0] as isize => result,
            in("x1") arguments[1],
            in("x2") arguments[2],
            in("x3") arguments[3],
            in("x4") arguments[4],
            in("x5") arguments[5],
            options(nostack, preserves_flags),
        );
    }
    decode(result)
}

fn decode(result: isize) -> Result<usize, Errno> {
    if (-4095..0).contains(&result) {
        Err(Errno(result.unsigned_abs() as u16))
    } else {
        Ok(result as usize)
    }
}

const AT_FDCWD: usize = -100_isize as usize;
const AT_EMPTY_PATH: usize = 0x1000;

const O_WRONLY: usize = 0o1;
const O_CREAT: usize = 0o100;
const O_EXCL: usize = 0o200;
const O_TRUNC: usize = 0o1000;
const O_CLOEXEC: usize = 0o2_000_000;

fn open(path: &CStr, flags: usize, mode: usize) -> Result<FileDescriptor, Errno> {
    loop {
        let arguments = [AT_FDCWD, path.as_ptr() as usize, flags | O_CLOEXEC, mode, 0, 0];
        // SAFETY: the path ends with a zero byte.
        match unsafe { call(number::OPENAT, arguments) } {
            // A signal came first: ask again. The launcher installs no handler,
            // so this ends with the signals.
            Err(Errno::INTR) => {}
            result => return result.map(|descriptor| FileDescriptor(descriptor as i32)),
        }
    }
}

/// Opens an existing file for reading.
pub fn open_to_read(path: &CStr) -> Result<FileDescriptor, Errno> {
    open(path, 0, 0)
}

/// Opens an existing file for writing and empties it.
pub fn open_to_overwrite(path: &CStr) -> Result<FileDescriptor, Errno> {
    open(path, O_WRONLY | O_TRUNC, 0)
}

/// Creates a file that only its owner can use yet. It must not exist: so nobody
/// else's link is followed and nobody else's open file becomes a program.
pub fn create(path: &CStr) -> Result<FileDescriptor, Errno> {
    open(path, O_WRONLY | O_CREAT | O_EXCL, 0o700)
}

/// Removes a file's name.
pub fn unlink(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the path ends with a zero byte.
    unsafe { call(number::UNLINKAT, [AT_FDCWD, path.as_ptr() as usize, 0, 0, 0, 0]) }.map(drop)
}

/// Creates an anonymous file in memory from which a program may be executed.
pub fn create_in_memory(name: &CStr) -> Result<FileDescriptor, Errno> {
    const MFD_CLOEXEC: usize = 1;
    const MFD_EXEC: usize = 0x10;

    // SAFETY: the name ends with a zero byte.
    let create = |flags| unsafe {
        call(number::MEMFD_CREATE, [name.as_ptr() as usize, flags, 0, 0, 0, 0])
            .map(|descriptor| FileDescriptor(descriptor as i32))
    };
    // Linux 6.3 wants to be told that the file is a program (with
    // vm.memfd_noexec=1 it would not be one otherwise); older kernels do not know
    // the flag.
    match create(MFD_CLOEXEC | MFD_EXEC) {
        Err(Errno::INVAL) => create(MFD_CLOEXEC),
        result => result,
    }
}

impl FileDescriptor {
    /// Reads up to `buffer.len()` bytes; 0 means the end of the file.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let arguments = [self.0 as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0];
        loop {
            // SAFETY: the kernel writes into `buffer` only.
            match unsafe { call(number::READ, arguments) } {
                Err(Errno::INTR) => {}
                result => return result,
            }
        }
    }

    /// Writes all bytes.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let arguments = [self.0 as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0];
            // SAFETY: the kernel reads `bytes` only.
            match unsafe { call(number::WRITE, arguments) } {
                // A file system that takes nothing and reports nothing would hold
                // us here for ever.
                Ok(0) => return Err(Errno(5)),
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Sets the permission bits, whatever the umask is.
    pub fn set_mode(&self, mode: usize) -> Result<(), Errno> {
        // SAFETY: no pointer is passed.
        unsafe { call(number::FCHMOD, [self.0 as usize, mode, 0, 0, 0, 0]) }.map(drop)
    }

    /// Becomes the program in this file; returns only when that is refused.
    ///
    /// # Safety
    /// `argv` and `envp` must be arrays of C strings, ended by a null pointer.
    pub unsafe fn execute(&self, argv: *const *const u8, envp: *const *const u8) -> Errno {
        let arguments = [
            self.0 as usize,
            c"".as_ptr() as usize,
            argv as usize,
            envp as usize,
            AT_EMPTY_PATH,
            0,
        ];
        // SAFETY: the caller vouches for `argv` and `envp`.
        match unsafe { call(number::EXECVEAT, arguments) } {
            Err(errno) => errno,
            // execveat(2) does not return on success.
            Ok(_) => Errno::INVAL,
        }
    }
}

/// Becomes the program at `path`; returns only when that is refused.
///
/// # Safety
/// `argv` and `envp` must be arrays of C strings, ended by a null pointer.
pub unsafe fn execute(path: &CStr, argv: *const *const u8, envp: *const *const u8) -> Errno {
    let arguments = [path.as_ptr() as usize, argv as usize, envp as usize, 0, 0, 0];
    // SAFETY: the path ends with a zero byte; the caller vouches for the rest.
    match unsafe { call(number::EXECVE, arguments) } {
        Err(errno) => errno,
        // execve(2) does not return on success.
        Ok(_) => Errno::INVAL,
    }
}

/// Writes to standard error as far as it goes: there is nobody to tell otherwise.
pub fn write_to_stderr(bytes: &[u8]) {
    let stderr = core::mem::ManuallyDrop::new(FileDescriptor(2));
    let _ = stderr.write_all(bytes);
}

/// Ends the process.
pub fn exit(code: u8) -> ! {
    loop {
        // SAFETY: no pointer is passed, and the call does not return.
        let _ = unsafe { call(number::EXIT_GROUP, [usize::from(code), 0, 0, 0, 0, 0]) };
    }
}

/// Maps fresh, zeroed memory; null when there is none.
pub fn map(size_bytes: usize) -> *mut u8 {
    const PROT_READ_WRITE: usize = 0x1 | 0x2;
    const MAP_PRIVATE_ANONYMOUS: usize = 0x02 | 0x20;
    const NO_FILE: usize = -1_isize as usize;

    let arguments = [0, size_bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, NO_FILE, 0];
    // SAFETY: a new mapping at an address of the kernel's choice touches no other.
    match unsafe { call(number::MMAP, arguments) } {
        Ok(address) => address as *mut u8,
        Err(_) => core::ptr::null_mut(),
    }
}

/// Resizes a mapping of [`map`], which may move; null when there is no room.
///
/// # Safety
/// `address` and `old_size_bytes` must describe such a mapping; on success the old
/// address is invalid.
pub unsafe fn remap(address: *mut u8, old_size_bytes: usize, new_size_bytes: usize) -> *mut u8 {
    const MREMAP_MAYMOVE: usize = 1;
    let arguments = [address as usize, old_size_bytes, new_size_bytes, MREMAP_MAYMOVE, 0, 0];
    // SAFETY: the caller vouches for the mapping.
    match unsafe { call(number::MREMAP, arguments) } {
        Ok(address) => address as *mut u8,
        Err(_) => core::ptr::null_mut(),
    }
}

/// Gives a mapping of [`map`] back.
///
/// # Safety
/// `address` and `size_bytes` must describe such a mapping, and nobody may use it
/// any more.
pub unsafe fn unmap(address: *mut u8, size_bytes: usize) {
    // SAFETY: the caller vouches for the mapping.
    let _ = unsafe { call(number::MUNMAP, [address as usize, size_bytes, 0, 0, 0, 0]) };
}
