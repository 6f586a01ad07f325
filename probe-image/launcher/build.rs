//! Tells the linker to leave the C runtime out.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--gc-sections",
        "-Wl,--build-id=none",
        "-Wl,-z,noseparate-code",
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
