//! Every way to build a program, against what Go's own tools say of it.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use super::*;

const PROBED: [&str; 3] = ["main.(*Controller).Sync", "main.MediumFrame", "main.LargeFrame"];

const PACKAGES: [&str; 6] = ["main.", "fmt.", "os.", "reflect.", "strconv.", "sync."];

/// Builds a variant with every toolchain and compares the functions of some packages
/// with the symbol table of the build that has one.
fn check(variant: Variant) {
    for toolchain in Toolchain::all() {
        let folder = TempDir::new().unwrap();
        let whole = toolchain.build(&folder, variant, false);
        let stripped = toolchain.build(&folder, variant, true);
        let all = toolchain.nm(&whole);
        // Functions that assembly calls have a wrapper of the same name.
        let wrapped: HashSet<_> =
            all.iter().filter_map(|(name, ..)| name.strip_suffix(".abi0")).collect();
        let truth: Vec<_> = all
            .iter()
            .filter(|(name, ..)| PACKAGES.iter().any(|package| name.starts_with(package)))
            .filter(|(name, ..)| !name.ends_with(".abi0") && !wrapped.contains(name.as_str()))
            .collect();
        assert!(truth.len() > 100, "{} symbols", truth.len());
        let wanted: Vec<_> = truth.iter().map(|(name, ..)| Pattern::new(name)).collect();

        let (_, binary) = open(&whole);
        let by_symbols = binary.find(&wanted).unwrap();
        assert_eq!(by_symbols.missing().count(), 0);
        for (name, address, size) in &truth {
            let [function] = by_symbols.named(name).unwrap() else { panic!("{name} twice") };
            assert_eq!((function.address, function.size_bytes), (*address, *size), "{name}");
            assert_eq!(function.trusted_by, TextStart::SymbolTable, "{name}");
        }

        let source = match toolchain.minor {
            26.. => TextStart::GoModule,
            18..26 => TextStart::PclntabHeader,
            _ => TextStart::PclntabAddresses,
        };
        let (file, binary) = open(&stripped);
        assert_eq!(binary.pie(), variant.pie);
        assert_eq!(binary.architecture(), variant.architecture);
        assert_eq!(binary.go_version().map(|version| version.minor), Some(toolchain.minor));
        assert!(binary.build_id().is_some());
        // Without its symbol table an executable has the same addresses.
        let by_table = binary.find(&wanted).unwrap();
        assert_eq!(by_table.missing().count(), 0, "{:?}", by_table.missing().collect::<Vec<_>>());
        for (name, address, size) in &truth {
            let [function] = by_table.named(name).unwrap() else { panic!("{name} twice") };
            assert_eq!(function.address, *address, "{name}");
            // Padding up to the next function counts there.
            assert!((*size..size + 64).contains(&function.size_bytes), "{name}");
            assert_eq!(function.trusted_by, source, "{name}");
        }

        for name in PROBED {
            let function = &by_table.named(name).unwrap()[0];
            let entry = function.entry(&file).unwrap();
            assert_eq!(entry.file_offset, function.file_offset);
            assert_eq!(Some(entry.abi), binary.abi(), "{name}");
            let shift = function.address - function.file_offset;
            let returns: Vec<_> =
                function.returns(&file).unwrap().iter().map(|offset| offset + shift).collect();
            assert!(!returns.is_empty());
            assert_eq!(returns, toolchain.objdump_returns(&whole, name), "{name}");
        }
        let leaf = &binary.find(&patterns(&["main.WithoutStackCheck"])).unwrap();
        let leaf = leaf.iter().next().unwrap();
        let error = leaf.entry(&file).unwrap_err();
        assert!(matches!(error, GoBinaryError::NotAPrologue { .. }), "{error}");
        eprintln!("go 1.{}: {} functions agree, {variant:?}", toolchain.minor, truth.len());
    }
}

#[test]
fn plain() {
    check(PLAIN);
}

#[test]
fn position_independent() {
    check(Variant { pie: true, ..PLAIN });
}

#[test]
fn arm64() {
    check(Variant { architecture: Architecture::Arm64, ..PLAIN });
}

#[test]
fn arm64_position_independent() {
    check(Variant { architecture: Architecture::Arm64, pie: true, ..PLAIN });
}

#[test]
fn with_c_code() {
    if c_compiler() {
        check(Variant { cgo: true, ..PLAIN });
        check(Variant { cgo: true, pie: true, ..PLAIN });
    }
}

#[test]
fn with_c_code_by_an_external_linker() {
    if c_compiler() {
        let external = Variant { cgo: true, linker_flags: "-linkmode=external", ..PLAIN };
        check(external);
        check(Variant { pie: true, ..external });
        check(Variant { linker_flags: "-linkmode=external -extldflags=-static", ..external });
    }
}

fn c_compiler() -> bool {
    let found = Command::new("gcc").arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: gcc does not run, no program with C code was read");
    }
    found
}

/// Overwrites the name of a section, so that it cannot be found any more.
fn hide_section(path: &Path, name: &str) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let needle = [b"\0", name.as_bytes(), b"\0"].concat();
    let at = bytes.windows(needle.len()).rposition(|window| window == needle).unwrap();
    file.write_all_at(b"x", at as u64 + 1).unwrap();
}

/// What is left to trust when the better sources are gone (Go 1.26: the
/// header of the function table no longer has the text start).
#[test]
fn text_start_falls_back_and_then_refuses() {
    let Some(toolchain) = Toolchain::first().filter(|toolchain| toolchain.minor >= 26) else {
        eprintln!("SKIPPED: no Go 1.26 or later");
        return;
    };
    let folder = TempDir::new().unwrap();
    let external = Variant { cgo: true, linker_flags: "-linkmode=external", ..PLAIN };
    let fixed = Variant { linker_flags: "-linkmode=external -extldflags=-static", ..external };
    let cases = [
        (PLAIN, true, Some(TextStart::TextSection)),
        (PLAIN, false, Some(TextStart::RuntimeText)),
        (external, false, Some(TextStart::RuntimeText)),
        (external, true, None),
        (fixed, true, None),
    ];
    for (variant, strip, expected) in cases {
        if variant.cgo && !c_compiler() {
            continue;
        }
        let truth = toolchain.nm(&toolchain.build(&folder, variant, false));
        let path = toolchain.build(&folder, variant, strip);
        hide_section(&path, ".go.module");
        let (_, binary) = open(&path);
        let found = binary.find_in_pclntab(&patterns(&PROBED));
        let Some(expected) = expected else {
            assert!(matches!(found, Err(GoBinaryError::NoTrustedTextStart)), "{variant:?}");
            continue;
        };
        let found = found.unwrap();
        assert_eq!(found.len(), PROBED.len());
        for (pattern, function) in found {
            let true_address = truth.iter().find(|(name, ..)| name == pattern.name()).unwrap().1;
            assert_eq!(function.address, true_address, "{variant:?}");
            assert_eq!(function.trusted_by, expected, "{variant:?}");
        }
    }
}

#[test]
fn a_cache_answers_for_the_same_build_only() {
    let Some(toolchain) = Toolchain::first() else { return };
    let folder = TempDir::new().unwrap();
    let (_, stripped) = open(toolchain.build(&folder, PLAIN, true));
    let (_, whole) = open(toolchain.build(&folder, PLAIN, false));
    let wanted = patterns(&PROBED);
    let mut cache = FunctionCache::new(2);
    assert!(cache.is_empty());
    let first = cache.find(&stripped, &wanted).unwrap();
    assert_eq!(cache.find(&stripped, &wanted).unwrap(), first);
    assert_eq!(cache.len(), 1);
    assert_eq!(first, stripped.find(&wanted).unwrap());
    let other = cache.find(&whole, &wanted).unwrap();
    assert_eq!(other.iter().next().unwrap().trusted_by, TextStart::SymbolTable);
    cache.find(&whole, &wanted[..1]).unwrap();
    assert_eq!(cache.len(), 2);
    let error = cache.find(&whole, &patterns(&["main.absent"])).unwrap();
    let error = error.named("main.absent").unwrap_err();
    assert_eq!(error.to_string(), "function main.absent not found");
}
