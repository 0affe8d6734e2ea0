//! Readers see the old or the new, always whole.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::{World, owner};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_a_thousand_puts_see_whole_files() {
    let world = World::new().await;
    let web = owner("web");
    let content = |round: usize| ["x", "y", "z"][round % 3].repeat(SIZE - round % 3);
    world.put(&web, &[("a", &content(0))]).await.unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (done, reads, path) = (done.clone(), reads.clone(), world.directory(&web));
            thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    // What a reader of the whole directory finds is whole too, with no staging among it.
                    for entry in fs::read_dir(&path).unwrap() {
                        let content = fs::read(entry.unwrap().path()).unwrap();
                        let round = ["x", "y", "z"].iter().position(|one| content.starts_with(one.as_bytes())).unwrap();
                        assert_eq!(content.len(), SIZE - round);
                        assert!(content.iter().all(|byte| *byte == content[0]));
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 1..=1000 {
        world.put(&web, &[("a", &content(round))]).await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert!(reads.load(Ordering::Relaxed) > 0);
}

const SIZE: usize = 40_000;
