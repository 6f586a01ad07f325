//! Damaged and forged files: an answer or an error, always, and soon.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::*;

/// Xorshift: the same damage in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Does everything a probe would do and tells the outcome in one word.
fn examine(file: &File) -> String {
    let start = Instant::now();
    let result = (|| {
        let wanted = patterns(&["main.(*Controller).Sync", "main.LargeFrame", "fmt.Fprintln"]);
        let binary = GoBinary::open(file)?;
        let functions = binary.find(&wanted)?;
        let length = file.metadata().expect("the file is there").len();
        for function in functions.iter() {
            assert!(function.file_offset + function.size_bytes <= length);
        }
        for pattern in &wanted {
            for function in functions.named(pattern.name())? {
                function.entry(file)?;
                for at in function.returns(file)? {
                    assert!(at - function.file_offset < function.size_bytes);
                }
            }
        }
        Ok::<_, GoBinaryError>(())
    })();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    match result {
        Ok(()) => "fine".to_owned(),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains('\n') && !text.contains('\u{1b}'), "{text:?}");
            let variant = format!("{error:?}");
            variant.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
        }
    }
}

fn victim(variant: Variant, strip: bool) -> Option<(TempDir, File, Vec<u8>)> {
    let folder = TempDir::new().unwrap();
    let path = Toolchain::first()?.build(&folder, variant, strip);
    let bytes = std::fs::read(&path).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    assert_eq!(examine(&file), "fine");
    Some((folder, file, bytes))
}

#[test]
fn cut_off_anywhere() {
    let Some((_folder, file, bytes)) = victim(PLAIN, true) else { return };
    let mut outcomes = BTreeMap::new();
    // Every length within the headers, then ever larger steps, from the end
    // downwards because cutting is the only thing that is done.
    let length = bytes.len() as u64;
    let coarse = (0..400).map(|step| length * step / 400);
    let mut lengths: Vec<u64> = (0..700).chain(coarse).chain(length - 100..length).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    for length in lengths {
        file.set_len(length).unwrap();
        *outcomes.entry(examine(&file)).or_insert(0) += 1;
    }
    eprintln!("cut off: {outcomes:?}");
    assert!(outcomes.contains_key("NotElf") && outcomes.contains_key("TruncatedElf"));
}

#[test]
fn damaged_anywhere() {
    let trials = std::env::var("EARTHWORM_TEST_TRIALS").ok().and_then(|text| text.parse().ok());
    let trials = trials.unwrap_or(150_u32);
    let arm64 = Variant { architecture: Architecture::Arm64, pie: true, ..PLAIN };
    for (variant, strip) in [(PLAIN, true), (PLAIN, false), (arm64, true)] {
        let Some((_folder, file, bytes)) = victim(variant, strip) else { return };
        let places = places(&file, &bytes);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut outcomes = BTreeMap::new();
        for _ in 0..trials {
            let mut undo = Vec::new();
            for _ in 0..=random.below(6) {
                let (start, size) = places[random.below(places.len() as u64) as usize];
                let at = (start + random.below(size.max(1))).min(bytes.len() as u64 - 8);
                let value: [u8; 8] = match random.below(4) {
                    0 => [0xff; 8],
                    1 => random.below(bytes.len() as u64).to_le_bytes(),
                    2 => random.below(u64::MAX).to_le_bytes(),
                    _ => (u64::MAX - random.below(4096)).to_le_bytes(),
                };
                let width = 1 << random.below(4);
                file.write_all_at(&value[..width], at).unwrap();
                undo.push((at, width));
            }
            *outcomes.entry(examine(&file)).or_insert(0) += 1;
            for (at, width) in undo {
                let at_index = at as usize;
                file.write_all_at(&bytes[at_index..at_index + width], at).unwrap();
            }
        }
        assert_eq!(examine(&file), "fine", "the damage was undone");
        eprintln!("damaged, {variant:?}: {outcomes:?}");
        assert!(outcomes.len() >= 4, "{outcomes:?}");
    }
}

/// Where damage does something: headers, the starts of all sections, and the
/// functions' code, each as often as the others.
fn places(file: &File, bytes: &[u8]) -> Vec<(u64, u64)> {
    let image = Image::open(file).unwrap();
    let headers = u64::from_le_bytes(bytes[0x28..0x30].try_into().unwrap());
    let count = u64::from(u16::from_le_bytes(bytes[0x3c..0x3e].try_into().unwrap()));
    let mut places = vec![(0, 64), (64, 56 * 8), (headers, count * 64)];
    for section in image.sections() {
        let region = section.region;
        places.push((region.offset, region.size.min(96)));
        if section.name.contains("pclntab") || section.name.contains("symtab") {
            places.push((region.offset, 72));
            places.push((region.offset, region.size));
        }
    }
    let functions = GoBinary::open(file).unwrap();
    let functions = functions.find(&patterns(&["main.(*Controller).Sync"])).unwrap();
    places.extend(functions.iter().map(|function| (function.file_offset, function.size_bytes)));
    places
}

/// A function table of the worst kind: a million functions whose records
/// lie backwards, all with a name that looks wanted until it is read.
#[test]
fn forged_tables_cost_bounded_time() {
    let Some((_folder, file, bytes)) = victim(PLAIN, true) else { return };
    let table = Image::open(&file).unwrap();
    let section = table.section(&[".gopclntab"]).unwrap();
    let header = section.region.offset;
    let word = |index: u64| {
        let at = (header + 8 + index * 8) as usize;
        u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
    };
    let (names, functions) = (word(3), word(7));
    let needle = b"\0main.LargeFrame\0";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap() as u64;
    // One byte before the name, so that it is a candidate and no match.
    let name = u32::try_from(at - header - names).unwrap();
    let count = (section.region.size - functions) / 8 - 16;
    file.write_all_at(&count.to_le_bytes(), header + 8).unwrap();
    let mut forged = Vec::new();
    for index in 0..count {
        forged.extend(0_u32.to_le_bytes());
        forged.extend((u32::try_from(count - index).unwrap() * 8 - 4).to_le_bytes());
    }
    file.write_all_at(&forged, header + functions).unwrap();
    assert_ne!(examine(&file), "fine");
    for index in 0..count {
        let start = (index * 8) as usize;
        forged[start..start + 4].copy_from_slice(&name.to_le_bytes());
    }
    file.write_all_at(&forged, header + functions).unwrap();
    assert_ne!(examine(&file), "fine");
}

#[test]
fn other_files_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    let mut header = vec![0; 64];
    header[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0]);
    header[16] = 2;
    let with = |offset: usize, value: u8| {
        let mut bytes = header.clone();
        bytes[offset] = value;
        bytes
    };
    for (bytes, expected) in [
        (b"#!/bin/sh\n".to_vec(), "not an ELF file"),
        (Vec::new(), "not an ELF file"),
        (b"\x7fELF".to_vec(), "truncated ELF file: the ELF header reaches past the end"),
        (with(18, 243), "unsupported architecture: ELF machine 243, neither amd64 nor arm64"),
        (with(18, 62), "malformed ELF file: the program header table"),
        (
            [with(18, 62), Vec::new()]
                .concat()
                .iter()
                .enumerate()
                .map(|(i, b)| if i == 54 { 56 } else { *b })
                .collect(),
            "not a Go program: neither .go.buildinfo nor .gopclntab is there",
        ),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = GoBinary::open(&File::open(&path).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // This test is an ELF executable, and not one of Go's.
    let own = File::open(std::env::current_exe().unwrap()).unwrap();
    assert!(matches!(GoBinary::open(&own).unwrap_err(), GoBinaryError::NotGo));
}
