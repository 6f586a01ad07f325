//! Real kubelets, when there are any: `EARTHWORM_TEST_KUBELETS=FILE:FILE
//! cargo test -p earthworm-probe --release --lib gobin -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const LEASE: &str = "k8s.io/component-helpers/apimachinery/lease.(*controller)";

#[test]
#[ignore = "needs kubelet executables, named by EARTHWORM_TEST_KUBELETS"]
fn the_heartbeat_of_real_kubelets_is_found() {
    let paths = std::env::var_os("EARTHWORM_TEST_KUBELETS").expect("EARTHWORM_TEST_KUBELETS");
    for path in std::env::split_paths(&paths) {
        let names = [
            &format!("{LEASE}.sync"),
            &format!("{LEASE}.newLease"),
            &format!("{LEASE}.retryUpdateLease"),
            "crypto/tls.(*Conn).Write",
        ];
        let start = Instant::now();
        let (file, binary) = open(&path);
        let functions = binary.find(&patterns(&names)).unwrap();
        eprintln!("{}: found in {:?}", path.display(), start.elapsed());
        for name in names {
            let [function] = functions.named(name).unwrap() else { panic!("{name} twice") };
            assert_eq!(Some(function.entry(&file).unwrap().abi), binary.abi());
            let returns = function.returns(&file).unwrap();
            assert!(!returns.is_empty());
            eprintln!("  {name} {:#x}, returns {returns:x?}", function.file_offset);
        }
    }
}
