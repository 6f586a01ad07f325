//! Where the kernel enters, and where a panic ends.

use core::arch::global_asm;
use core::panic::PanicInfo;

use crate::report::Failure;
use crate::{Arguments, launch};

// The stack pointer is the only argument of a new process: it points at `argc`,
// behind which `argv` and `envp` follow. The frame pointer is zero by convention:
// here the chain of callers ends.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {main}",
    "ud2",
    main = sym main,
);

#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    ".type _start, %function",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "bl {main}",
    "brk #1",
    main = sym main,
);

/// Entered from `_start` with the address of `argc`.
///
/// # Safety
/// `stack` must be the stack pointer that the kernel gave the process.
unsafe extern "C" fn main(stack: *mut usize) -> ! {
    // SAFETY: so the kernel lays out a new stack (fs/binfmt_elf.c,
    // create_elf_tables): argc, argc pointers, null, the environment, null. It
    // stays for the process's whole life, and nobody else refers to it.
    let arguments = unsafe {
        let count = *stack;
        let argv = stack.add(1).cast::<*const u8>();
        Arguments {
            argv: core::slice::from_raw_parts_mut(argv, count + 1),
            envp: argv.add(count + 1).cast_const(),
        }
    };
    launch(arguments).report_and_exit()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // The message is left out: formatting it would cost more bytes than all other
    // code here that is not the decoder.
    let mut failure = Failure::new("internal error");
    if let Some(location) = info.location() {
        failure = failure.text(" at ").text(location.file()).text(":").number(location.line());
    }
    failure.report_and_exit()
}
