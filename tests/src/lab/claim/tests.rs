use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const PAIR: Claim = Claim::nodes(2);

fn board(nodes: usize, claims: &[Claim]) -> Board {
    let mut board = Board::new((0..nodes).map(|index| format!("node-{index}")).collect());
    board.waiting = (1..).zip(claims.iter().copied()).collect();
    board
}

/// Whose turn it is, by the numbers from 1.
fn turns(board: &Board) -> Vec<u64> {
    let numbers = board.waiting.iter().map(|(number, _)| *number);
    numbers.filter(|number| board.is_turn_of(*number)).collect()
}

#[test]
fn large_and_long_claims_come_first() {
    let mut board = board(3, &[Claim::NODE, Claim::NODE.taking(60), PAIR, Claim::CLUSTER]);
    assert_eq!(turns(&board), [4]);
    board.hand_out(4, Claim::CLUSTER);
    assert!(turns(&board).is_empty());
    board.free = ["node-0", "node-1", "node-2"].map(str::to_owned).into();
    assert_eq!(turns(&board), [2, 3]);
}

#[test]
fn nobody_passes_a_claim_that_waits_for_nodes() {
    let mut board = board(2, &[Claim::NODE, Claim::CLUSTER]);
    board.free.pop_front();
    assert!(turns(&board).is_empty());
    board.waiting[1].1 = PAIR;
    assert!(turns(&board).is_empty());
}

#[test]
fn without_a_free_user_others_go_on() {
    let mut board = board(2, &[Claim::NODE.and_user().taking(60), Claim::NODE]);
    board.users.clear();
    assert_eq!(turns(&board), [2]);
    board.users.push_back("alice");
    assert_eq!(turns(&board), [1, 2]);
    assert_eq!(board.hand_out(1, board.waiting[0].1).1, Some("alice"));
}

#[test]
fn every_claim_gets_its_turn_and_no_node_is_had_twice() {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let nodes = ["a", "b", "c"];
    let lanes: &'static Lanes = Box::leak(Box::new(Lanes::new(nodes.map(str::to_owned))));
    let claims = [Claim::NODE, PAIR, Claim::CLUSTER, Claim::NODE.and_user()];
    let tests: Vec<_> = (0..40)
        .map(|index| {
            std::thread::spawn(move || {
                let claim = claims[index % claims.len()];
                let turn = lanes.take(claim);
                assert_eq!(turn.nodes.len(), claim.nodes.unwrap_or(nodes.len()));
                assert_eq!(turn.user.is_some(), claim.user);
                let used = USED.fetch_add(turn.nodes.len(), Ordering::SeqCst) + turn.nodes.len();
                assert!(used <= nodes.len(), "{used} nodes in use");
                std::thread::sleep(Duration::from_millis(1));
                USED.fetch_sub(turn.nodes.len(), Ordering::SeqCst);
            })
        })
        .collect();
    for test in tests {
        test.join().unwrap();
    }
    assert_eq!(lanes.board().free.len(), nodes.len());
}
